/*
 * The version of Quarry, for banners.
 */
#ifndef KERNEL_VERSION_H
#define KERNEL_VERSION_H

#define QUARRY_VERSION "0.4"

#endif
