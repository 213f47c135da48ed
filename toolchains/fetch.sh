#!/bin/sh
# Fetches the packages of one group of packages.lock and unpacks them; no root, and nothing on the machine is changed.
#
#   fetch.sh LOCK GROUP FOLDER [PATTERN]   unpack GROUP's packages into FOLDER: all files, or those that match
#   fetch.sh --available ARCHITECTURE      print apt's records of every candidate package, for `relock`
#
# Downloads are kept by SHA-256 in ${XDG_CACHE_HOME:-$HOME/.cache}/quarry/packages, where a second clone finds them and
# then needs no apt. What is missing comes through apt-get, so proxies, credentials and mirrors work as they do for the
# machine; but with lists, state and cache folders of our own. QUARRY_MIRROR="URL ..." names other sources: each URL is
# taken as a mirror of Debian, or of its security archive when it ends in `-security`. Packages of another architecture
# than amd64, which are only looked into, come from the same mirrors.
set -eu
export LC_ALL=C

JOBS=4 # downloads at a time
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

say() { printf 'quarry: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# ---- where things are kept ------------------------------------------------------------------------------------------

cache_folder() {
    for folder in "${XDG_CACHE_HOME:-}" "${HOME:+$HOME/.cache}" "${TMPDIR:-/tmp}/cache-of-$(id -u)"; do
        case $folder in /*) ;; *) continue ;; esac
        if mkdir -p "$folder/quarry/packages" 2>/dev/null && [ -w "$folder/quarry/packages" ]; then
            printf '%s\n' "$folder/quarry"
            return
        fi
    done
    die "no folder to keep packages in; set XDG_CACHE_HOME to one that can be written"
}

# ---- apt, in private ------------------------------------------------------------------------------------------------

# The release that has an architecture.
suite_of() { case $1 in riscv64) echo trixie ;; *) echo bookworm ;; esac; }

# The mirrors that the machine itself uses.
mirrors_of_machine() {
    apt-get indextargets --format '$(CODENAME)/$(RELEASE) $(REPO_URI)' 2>/dev/null | sed -n 's|^bookworm[^ ]* ||p' | sort -u
}

# Makes the private apt folders and its configuration for $1, an architecture; sets $apt (a folder) and $conf.
apt_prepare() {
    command -v apt-get >/dev/null || die "packages are missing from $cache, and there is no apt-get to fetch them with"
    mirrors=${QUARRY_MIRROR:-}
    apt=$cache/apt-$(printf '%s' "$mirrors" | cksum | cut -d ' ' -f 1)
    if [ "$1" != amd64 ]; then
        mirrors=${mirrors:-$(mirrors_of_machine)}
        apt=$apt-$1
    fi
    conf=$apt/apt.conf
    mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/parts"
    : >"$apt/status"
    {
        # The machine's own hooks act on the machine's own lists; they have no business here.
        echo '#clear APT::Update::Post-Invoke;'
        echo '#clear APT::Update::Post-Invoke-Success;'
        echo '#clear APT::Update::Pre-Invoke;'
        echo "APT::Architecture \"$1\";"
        echo '#clear APT::Architectures;'
        echo "APT::Architectures { \"$1\"; };"
        echo 'APT::Sandbox::User "root";'
        echo 'Acquire::Languages "none";'
        echo 'Acquire::Retries "3";'
        echo "Dir::State::lists \"$apt/lists\";"
        echo "Dir::State::status \"$apt/status\";"
        echo "Dir::Cache \"$apt\";"
        echo 'Dir::Cache::archives "archives";'
        echo 'Dir::Cache::pkgcache "pkgcache.bin";'
        echo 'Dir::Cache::srcpkgcache "srcpkgcache.bin";'
        if [ -n "$mirrors" ]; then
            echo "Dir::Etc::sourcelist \"$apt/sources.list\";"
            echo "Dir::Etc::sourceparts \"$apt/parts\";"
        fi
    } >"$conf"
    suite=$(suite_of "$1")
    for mirror in $mirrors; do
        case ${mirror%/} in
        *-security) suites="$suite-security" ;;
        *) suites="$suite $suite-updates" ;;
        esac
        for each in $suites; do
            echo "deb [signed-by=$KEYRING] $mirror $each main"
        done
    done >"$apt/sources.list"
}

apt_update() {
    say "reading the package lists of ${QUARRY_MIRROR:-the package sources of this machine}"
    apt-get -c "$conf" -qq update >"$apt/update.log" 2>&1 || cat "$apt/update.log" >&2
}

# ---- one group ------------------------------------------------------------------------------------------------------

# Prints the rows of the lock for $group as: package version sha256 bytes policy
rows() { sed -n "s/^$group \([^ ]*\) \([^ ]*\) [^ ]* \([^ ]*\) \([^ ]*\) \([^ ]*\)\$/\1 \2 \3 \4 \5/p" "$lock"; }

# Prints the architecture of $group: that of its first package that has one.
architecture() {
    sed -n "s/^$group [^ ]* [^ ]* \([^ ]*\) .*/\1/p" "$lock" | grep -vx all | head -n 1 | grep . || echo amd64
}

# Unpacks a package here, or its files that match.
unpack() {
    if [ -z "$pattern" ]; then
        dpkg-deb -x "$1" .
    elif dpkg-deb -c "$1" >.fetch/contents; then
        grep -q -- "${pattern#\*}\$" .fetch/contents || return 0
        dpkg-deb --fsys-tarfile "$1" | tar -x --wildcards "$pattern"
    else
        return 1
    fi
}

# Prints the cached file that serves a locked SHA-256: the package itself, or what replaced it in the archive.
cached() {
    if [ -f "$cache/packages/$1" ]; then
        printf '%s\n' "$cache/packages/$1"
    elif [ -f "$cache/packages/$1.moved" ]; then
        replacement=$cache/packages/$(cat "$cache/packages/$1.moved")
        [ ! -f "$replacement" ] || printf '%s\n' "$replacement"
    fi
}

# Sorts the missing rows into $work/batch.N as package=version, by what the archive has; exact ones that are gone are
# listed in $work/gone; $work/moved is there when another version was planned for any.
plan_downloads() {
    rm -f "$work"/batch.* "$work/gone" "$work/moved"
    # shellcheck disable=SC2046 # package names have no spaces
    apt-cache -c "$conf" madison $(cut -d ' ' -f 1 "$work/missing") 2>/dev/null |
        sed 's/^ *\([^ ]*\) | *\([^ ]*\) .*/\1 \2/' >"$work/offered"
    number=0
    while read -r package version sha256 bytes policy; do
        if ! grep -qxF "$package $version" "$work/offered"; then
            offered=$(sed -n "s/^$package //p" "$work/offered" | head -n 1)
            if [ "$policy" = exact ] || [ -z "$offered" ]; then
                echo "$package $version $policy $offered" >>"$work/gone"
                continue
            fi
            version=$offered
            : >"$work/moved"
        fi
        number=$(((number + 1) % JOBS))
        echo "$package=$version" >>"$work/batch.$number"
    done <"$work/missing"
}

download() {
    (
        flock 9
        [ -n "$(find "$apt/lists" -name '*_Packages*')" ] || apt_update
        plan_downloads
        if { [ -s "$work/gone" ] || [ -e "$work/moved" ]; } && [ -z "$(find "$apt/update.log" -mmin -10 2>/dev/null)" ]; then
            apt_update # our lists may be older than the lock
            plan_downloads
        fi
        if [ -s "$work/gone" ]; then
            explain_gone
            exit 1
        fi
        run_batches || {
            # A list can be older than the archive behind it; a fresh one decides.
            apt_update
            plan_downloads
            run_batches || {
                cat "$work"/log.* >&2
                die "@$group: the packages above could not be fetched (network, proxy, or QUARRY_MIRROR=URL)"
            }
        }
    ) 9>"$apt/lock"
}

# Says for each package that can't be had why, and what can be done.
explain_gone() {
    if [ ! -s "$work/offered" ]; then
        cat "$apt/update.log" >&2
        say "@$group: no package list could be read from ${QUARRY_MIRROR:-the package sources of this machine}, so none of its"
        say "  $count missing packages can be had. Look at the network and apt's proxy, or set QUARRY_MIRROR=URL to a mirror."
        return
    fi
    while read -r package version policy offered; do
        if [ -z "$offered" ]; then
            say "@$group: package $package is in no package source; $version is what the lock names."
        else
            say "@$group: package $package $version is not in the archive, which now has $offered."
            say "  It decides the bytes of an image, so no other version will do."
        fi
    done <"$work/gone"
    say "Ways out: 'bazel run //toolchains:relock' takes the current versions; QUARRY_MIRROR=URL names a mirror that still has the"
    say "  locked ones; or copy $cache/packages from a machine that built this before."
}

run_batches() {
    mkdir -p "$work/debs"
    pids=
    for batch in "$work"/batch.*; do
        # shellcheck disable=SC2046
        (cd "$work/debs" && exec apt-get -c "$conf" -qq download $(cat "$batch")) >"$work/log.${batch##*.}" 2>&1 &
        pids="$pids $!"
    done
    (
        while sleep 3; do
            say "@$group: $(find "$work/debs" -name '*.deb' | wc -l) of $count packages," \
                "$(du -sm "$work/debs" | cut -f 1) of $((total / 1000000)) MB"
        done
    ) &
    progress=$!
    failed=
    for pid in $pids; do
        wait "$pid" || failed=yes
    done
    kill "$progress" 2>/dev/null || true
    wait "$progress" 2>/dev/null || true
    [ -z "$failed" ]
}

# Checks what was fetched against the lock and files it by SHA-256.
file_downloads() {
    while read -r package version sha256 bytes policy; do
        set -- "$work/debs/${package}_"*.deb
        [ -f "$1" ] || die "@$group: apt-get fetched no file for $package"
        got=$(sha256sum "$1" | cut -d ' ' -f 1)
        got_version=$(dpkg-deb -f "$1" Version)
        if [ "$got" != "$sha256" ]; then
            [ "$got_version" != "$version" ] ||
                die "@$group: $package $version has SHA-256 $got, but the lock says $sha256; nothing was unpacked"
            say "@$group: $package $version is not in the archive (any more); taking $got_version in its place"
            echo "$got" >"$cache/packages/$sha256.moved"
        fi
        mv -f "$1" "$cache/packages/$got"
    done <"$work/missing"
}

# Makes the tree fit for Bazel: no manuals, no link that leads out of it or nowhere.
tidy() {
    rm -rf usr/share/doc usr/share/man usr/share/locale usr/share/info usr/share/lintian usr/share/bug etc var
    find . -type l | while read -r link; do
        target=$(readlink "$link")
        case $target in
        /*)
            rm "$link"
            if [ -e ".$target" ]; then
                ln -s "$(printf '%s' "${link#./}" | sed 's|[^/]*$||; s|[^/]*/|../|g')${target#/}" "$link"
            fi
            ;;
        esac
    done
    find . -xtype l -delete
}

unpack_group() {
    lock=$1
    group=$2
    folder=$3
    pattern=${4:-}
    cache=$(cache_folder)
    work=$folder/.fetch
    rm -rf "$work"
    mkdir -p "$work"
    trap 'rm -rf "$work"' EXIT

    rows >"$work/rows"
    [ -s "$work/rows" ] || die "@$group: $lock has no such group"
    : >"$work/missing"
    count=0
    total=0
    while read -r package version sha256 bytes policy; do
        if [ -z "$(cached "$sha256")" ]; then
            echo "$package $version $sha256 $bytes $policy" >>"$work/missing"
            count=$((count + 1))
            total=$((total + bytes))
        fi
    done <"$work/rows"

    if [ "$count" -gt 0 ]; then
        say "@$group: fetching $count packages, $((total / 1000000)) MB"
        apt_prepare "$(architecture)"
        download
        file_downloads
    fi

    cd "$folder"
    while read -r package version sha256 bytes policy; do
        deb=$(cached "$sha256")
        # A file of the cache can have been cut short by a full disk long ago.
        case $(sha256sum "$deb") in
        "${deb##*/}"*) ;;
        *) rm -f "$deb" && die "@$group: the kept copy of $package was damaged and is now removed; run the build again" ;;
        esac
        unpack "$deb" || die "@$group: $package did not unpack"
    done <"$work/rows"
    tidy
}

case ${1:-} in
--available)
    cache=$(cache_folder)
    apt_prepare "$2"
    apt_update
    apt-cache -c "$conf" dumpavail
    ;;
*)
    [ $# -eq 3 ] || [ $# -eq 4 ] || die "usage: fetch.sh LOCK GROUP FOLDER [PATTERN] | fetch.sh --available ARCHITECTURE"
    unpack_group "$@"
    ;;
esac
