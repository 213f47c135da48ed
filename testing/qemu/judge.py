"""A QEMU test: boots an image, reads its serial line, and judges what it says.

    judge.py --config FILE --runfiles FOLDER

The configuration (defs.bzl writes it) has: name, platform, boot, memory, cpus, append, extra, files, silence_seconds,
total_seconds, and expects, one of

    "ktap"     the image runs property suites: every row passes
    "failure"  the image runs the canary: exactly `failing_row` fails, and the row's story has `failing_line`; the file `host`, a test
               program, fails in the same way when it is given the line that the guest printed
    "costs"    the image measures: every cost within the file `budgets`, and within `beside_percent` of what it is with `beside` as its
               memory, if there is a `beside`
    "text"     the image's output has each line of `has`, in order, and it exits with `status` (null: without a verdict)
"""

import argparse
import os
import sys
import tempfile

import configuration
import costs
import host_replay
import junit
import ktap
import machines
import session

RERUN_VARIABLES = {"QUARRY_SEED": "seed", "QUARRY_RUNS": "runs", "QUARRY_STEPS": "steps", "QUARRY_REPLAY": "replay"}


def append_of(config, environment):
    """The image's command line: the target's, and what the caller's environment adds."""
    words = [config.get("append", "")]
    for variable, key in RERUN_VARIABLES.items():
        value = environment.get(variable)
        if value and config["expects"] == "ktap":
            words.append(machines.quote_word(key + "=" + value.replace("replay: ", "", 1)))
    return " ".join(word for word in words if word)


def ktap_cases(config, verdict):
    cases = []
    for row in verdict.rows:
        properties = dict(row.properties, platform=config["platform"], boot=config["boot"])
        cases.append(junit.Case(row.name, None if row.passed else "\n".join(row.story) or "not ok", properties))
    cases.extend(junit.Case("run." + config["name"], problem) for problem in verdict.problems)
    return cases


def judge_ktap(config, ending, status):
    return ktap_cases(config, ktap.judge(ending.lines(), status, ending.reason))


def judge_failure(config, ending, status):
    """The canary: passes when exactly the right row has failed, for exactly the right reason."""
    verdict = ktap.judge(ending.lines(), status, ending.reason)
    name = "canary." + config["name"]
    if verdict.problems:
        return [junit.Case(name, "\n".join(verdict.problems))]
    failed = [row for row in verdict.rows if not row.passed]
    if [row.name for row in failed] != [config["failing_row"]]:
        return [junit.Case(name, "failed rows: %s; wanted: %s" % ([row.name for row in failed], config["failing_row"]))]
    if config["failing_line"] not in failed[0].story:
        return [junit.Case(name, "the story lacks %r:\n%s" % (config["failing_line"], "\n".join(failed[0].story)))]
    host = config["files"].get("host")
    return [junit.Case(name, host_replay.problem(host, failed[0].story) if host else None)]


def judge_costs(config, ending, status):
    with open(config["files"]["budgets"], encoding="utf-8") as file:
        budgets = costs.read_budgets(file.read(), config["platform"])
    results, problems = costs.judge(ending.lines(), status, ending.reason, budgets)
    cases = []
    for name, value, wrong in results:
        figure = "-" if value is None else "%.2f" % (value / 100)
        limit = "%.2f" % (budgets[name].limit / 100) if name in budgets else "-"
        print("%-32s %10s of %10s  %s" % (name, figure, limit, wrong or ""))
        cases.append(junit.Case("cost." + name, wrong, {"instructions": figure, "budget": limit}))
    return cases + [junit.Case("run." + config["name"], problem) for problem in problems]


def judge_beside(config, ending, other_ending):
    """What a cost is with one size of memory and with another: nearly the same."""
    here, there = costs.measured(ending.lines()), costs.measured(other_ending.lines())
    cases = []
    for name, wrong in costs.compare(here, there, config["beside_percent"]):
        figures = [figure[name] / 100 if name in figure else 0 for figure in (here, there)]
        print("%-32s %10.2f with %s, %.2f with %s" % (name, figures[0], config["memory"], figures[1], config["beside"]))
        cases.append(junit.Case("beside." + name, wrong))
    return cases


def judge_text(config, ending, status):
    """Output with these lines, in this order, and this end."""
    wanted = list(config["has"])
    for line in ending.lines():
        if wanted and wanted[0] in line:
            wanted.pop(0)
    name = "run." + config["name"]
    if ending.reason is not None:
        return [junit.Case(name, "killed: " + ending.reason)]
    if wanted:
        return [junit.Case(name, "the output lacks %r" % wanted[0])]
    if status != config["status"]:
        return [junit.Case(name, "exit status %s; wanted: %s" % (status, config["status"]))]
    return [junit.Case(name)]


JUDGES = {"ktap": judge_ktap, "failure": judge_failure, "costs": judge_costs, "text": judge_text}


def boot(config, machine, memory, environment):
    """Runs the machine to its end."""
    scratch = environment.get("TEST_TMPDIR")
    with tempfile.TemporaryDirectory(prefix="quarry-", dir=scratch) as folder:
        command = machines.command(
            machine,
            config["files"],
            folder,
            memory=machines.parse_memory(memory),
            cpus=machines.parse_cpus(str(config["cpus"])),
            append=append_of(config, environment),
            counts_instructions=config["expects"] == "costs",
            extra=config.get("extra", []),
        )
        command += ["-serial", "stdio", "-monitor", "none"]
        feed = config.get("feed", "").encode("utf-8")
        prompt = config.get("feed_after", "").encode("utf-8")
        return session.run(command, config["silence_seconds"], config["total_seconds"], feed, prompt)


def run_test(config, environment):
    """Runs and judges; returns the test's exit status."""
    machine = machines.find(config["platform"], config["boot"])
    ending = boot(config, machine, config["memory"], environment)
    status = machine.status_of(ending.code) if ending.code is not None else None
    cases = JUDGES[config["expects"]](config, ending, status)
    if config.get("beside"):
        cases.extend(judge_beside(config, ending, boot(config, machine, config["beside"], environment)))
    if not cases:
        cases = [junit.Case("run." + config["name"], "nothing was judged")]
    failures = [case for case in cases if case.failure is not None]
    log = "\n".join(ending.lines())
    if environment.get("XML_OUTPUT_FILE"):
        junit.write(environment["XML_OUTPUT_FILE"], config["name"], cases, ending.seconds, log)
    if failures:
        print("---- serial line ----\n%s\n---- end of serial line; QEMU's exit code: %s ----" % (log, ending.code))
    for case in failures:
        print("FAILED %s\n  %s" % (case.name, case.failure.replace("\n", "\n  ")))
    print("%d of %d passed in %.1f seconds" % (len(cases) - len(failures), len(cases), ending.seconds))
    return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser(description="Boots an image in QEMU and judges its output.")
    parser.add_argument("--config", required=True)
    parser.add_argument("--runfiles", required=True)
    options = parser.parse_args()
    try:
        return run_test(configuration.read(options.config, options.runfiles), os.environ)
    except machines.Refused as refusal:
        print("refused: %s" % refusal)
        return 2


if __name__ == "__main__":
    sys.exit(main())
