#!/usr/bin/env bash
# Runs a search in 8 shards on a Slurm of its own, kills and requeues a task that has written some of its lines, tells another that its time
# is nearly up, and compares the merge with the run that has no shards. From a clean machine, as root:
#
#   deploy/slurm/test.sh
#
# Everything is in a temporary folder: configuration, key, state, logs. The daemons listen on ports that were free, where the machine's own name
# points to (loopback on most machines), and are ended whatever happens. Exit code: 0, as the last line says; 1, a failure, as the last line
# says; 77, nothing was tested, for Slurm is not to be had.
set -euo pipefail
cd "$(dirname "$0")/../.."
readonly shards=8 cases=${CASES:-4000} limit=${LIMIT:-300} proposal=examples/proposals/length-normalised.json
readonly packages="slurm-wlm munge"

missing() { for command in slurmctld slurmd munged sbatch; do command -v "$command" >/dev/null || echo "$command"; done; }
if [ -n "$(missing)" ] && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "== $packages"
    # What cannot be installed is still missing, and named below.
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages; } >/dev/null 2>&1 </dev/null || true
fi
if [ -n "$(missing)" ]; then
    echo "slurm: not tested, for $(missing | paste -sd ' ' -) are missing and could not be installed: apt-get install $packages, as root"
    exit 77
fi

work=$(mktemp -d)
daemons=()

failure="ended before its time"
fail() {
    failure=$1
    exit 1
}

# Jobs first, for they outlive the daemon that started them; then the daemons, the last started first, by force where asking does not end them.
finish() {
    local code=$?
    trap - EXIT
    if [ "$code" != 0 ]; then
        tail -n 15 "$work"/*.log "$work"/search/logs/* "$work"/search/merge.txt 2>/dev/null || true
    fi
    if [ ${#daemons[@]} = 3 ]; then
        scancel --user="$(id -un)" && poll 20 no_jobs || true
    fi
    for ((k = ${#daemons[@]} - 1; k >= 0; k--)); do
        kill "${daemons[k]}" 2>/dev/null || continue
        poll 10 ended "${daemons[k]}" || kill -KILL "${daemons[k]}"
        wait "${daemons[k]}" || true
    done
    rm -rf "$work"
    [ "$code" = 0 ] || echo "slurm: $failure"
    exit "$code"
}
trap finish EXIT
trap 'exit 1' INT TERM

# poll SECONDS COMMAND…: asks until the command succeeds; fails when the time is over.
poll() {
    local until=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$until" ] || return 1
        sleep 0.1
    done
}
ended() { ! kill -0 "$1" 2>/dev/null; }
no_jobs() { [ -z "$(squeue --noheader)" ]; }
idle() { [ "$(sinfo --noheader --format=%T 2>/dev/null)" = idle ]; }
# A port from FIRST on that nobody listens on.
free_port() {
    local port
    until port=$(($1 + RANDOM % 5000)) && ! (: <>"/dev/tcp/$address/$port") 2>/dev/null; do :; done
    echo "$port"
}
# field JOB NAME: what scontrol says of a job.
field() { scontrol --oneliner show job "$1" | grep -o " $2=[^ ]*" | cut -d= -f2; }
lines() { [ -f "$1" ] && wc -l <"$1" || echo 0; }
shard_file() { echo "$work/search/shard-$1-of-$shards.jsonl"; }

if [ -z "${GROUPRL:-}" ]; then
    echo "== build"
    dotnet build src/Cli >"$work/build.log" || fail "the build failed"
    export GROUPRL="dotnet $PWD/src/Cli/bin/Debug/net10.0/grouprl.dll"
fi
read -ra grouprl <<<"$GROUPRL"

host=$(uname -n)
address=$(getent ahostsv4 "$host" | awk '{ print $1; exit }') || fail "the machine's own name, $host, does not resolve"
user=$(id -un) controller=$(free_port 20000) node=$(free_port 25000)
echo "== $(slurmctld -V) at $address, ports $controller and $node"
export SLURM_CONF=$work/slurm.conf
mkdir "$work/state" "$work/spool"
(umask 077 && head -c 1024 /dev/urandom >"$work/munge.key")
# Two tasks at a time, so that some are left when one is killed. A requeued job waits cred_expire seconds, and a killed one is forced to end after KillWait.
cat >"$SLURM_CONF" <<END
ClusterName=grouprl
SlurmctldHost=${host%%.*}($address)
SlurmctldPort=$controller
SlurmdPort=$node
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$work/munge.socket,cred_expire=5
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
MailProg=/bin/true
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
KillWait=2
MinJobAge=3600
NodeName=localhost NodeHostname=${host%%.*} NodeAddr=$address CPUs=$(($(nproc) < 2 ? 1 : 2))
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
# slurmd wants a plugin for control groups although nothing here asks for them; this one touches none until a task does.
cat >"$work/cgroup.conf" <<END
CgroupPlugin=cgroup/v1
CgroupMountpoint=$work/cgroup
END

munged --foreground --force --origin="$address" --key-file="$work/munge.key" --socket="$work/munge.socket" --pid-file="$work/munged.pid" --seed-file="$work/munge.seed" \
    >"$work/munged.log" 2>&1 &
daemons+=($!)
poll 20 test -S "$work/munge.socket" || fail "munged did not open its socket"
slurmctld -D >"$work/slurmctld.log" 2>&1 &
daemons+=($!)
slurmd -D >"$work/slurmd.log" 2>&1 &
daemons+=($!)
poll 60 idle || fail "the node did not become idle"

echo "== $proposal without shards, $cases cases a claim"
unsharded=0
"${grouprl[@]}" falsify "$proposal" --cases "$cases" --out "$work/unsharded" >"$work/unsharded.txt" 2>"$work/unsharded.log" || unsharded=$?

echo "== an array of $shards shards, then their merge"
submitted=$(deploy/slurm/submit.sh "$shards" "$cases" "$work/search" falsify "$proposal")
echo "$submitted"
array=$(cut -d' ' -f2 <<<"$submitted") merge=$(sed 's/.*merge \([0-9]*\).*/\1/' <<<"$submitted")

running() { squeue --noheader --array --jobs="$array" --states=RUNNING --format=%K; }
# The process that Slurm tells a minute before a time limit: of the task's own step, the first.
batch_script() { scontrol listpids "$(squeue --noheader --array --jobs="${array}_$1" --format=%A)" | awk '$3 == "batch" && $4 == 0 { print $1 }'; }
finished() { grep -q '^{"end":' "$(shard_file "$1")"; }
# A task that is at work: running, with a finished item behind the header, and not at the end. Sets task, to nothing where no task is left.
at_work() {
    for task in $(running); do
        if [ "$(lines "$(shard_file "$task")")" -gt 1 ] && ! finished "$task" && [ "$task" != "${killed:-}" ]; then return 0; fi
    done
    task=""
    [ -z "$(squeue --noheader --jobs="$array")" ]
}
held() { [ "$(field "${array}_$task" JobState)" = PENDING ] && ! squeue --noheader --jobs="${array}_$task" --states=COMPLETING | grep -q .; }
over() { case $(field "$1" JobState) in PENDING | RUNNING | COMPLETING | SUSPENDED | CONFIGURING | REQUEUED | REQUEUE_HOLD) return 1 ;; esac }

# The kill may come after the last line: such a task is let go, and another one taken. While it is held, nobody writes to its file.
killed=""
until [ -n "$killed" ]; do
    poll "$limit" at_work && [ -n "$task" ] || fail "no task was seen at work"
    scontrol requeuehold "${array}_$task"
    poll 60 held || fail "task $task was not requeued"
    kept=$(lines "$(shard_file "$task")")
    cp "$(shard_file "$task")" "$work/kept.jsonl"
    if ! finished "$task"; then killed=$task; fi
    scontrol release "${array}_$task"
done
echo "killed task $killed after $kept lines, and requeued it"

poll "$limit" at_work && [ -n "$task" ] || fail "no task was seen at work a second time"
told=$task
kill -USR1 "$(batch_script "$told")" || fail "task $told has no script that could be told"
echo "told task $told that its time is nearly up"

poll "$limit" over "$merge" || fail "the merge did not run within $limit seconds"
for ((k = 1; k <= shards; k++)); do
    echo "task $k: $(field "${array}_$k" JobState), started again $(field "${array}_$k" Restarts) times, $(lines "$(shard_file "$k")") lines"
    [ "$(field "${array}_$k" JobState)" = COMPLETED ] || fail "task $k ended as $(field "${array}_$k" JobState)"
done
[ "$(field "${array}_$told" Restarts)" -ge 1 ] || fail "task $told was told that its time is nearly up, but did not queue itself again"
[ "$(field "${array}_$killed" Restarts)" -ge 1 ] || fail "task $killed was not started again"
head -n "$kept" "$work/kept.jsonl" | cmp - <(head -n "$kept" "$(shard_file "$killed")") || fail "task $killed wrote its first $kept lines again, and otherwise"

[ "$(field "$merge" ExitCode)" = "$unsharded:0" ] || fail "the merge ended with $(field "$merge" ExitCode), the unsharded run with $unsharded"
# The table, up to the first counterexample, and the last word. Of a refutation, the merge measures the smallest counterexample of all shards, the
# unsharded run that of the first block which fails.
verdicts() { { awk '/^[a-z].* · /{ exit } { print }' "$1" && tail -n 1 "$1"; } | sed 's/measured [^,]*, must be [^·]*//'; }
verdicts "$work/unsharded.txt" >"$work/unsharded.table"
verdicts "$work/search/merge.txt" >"$work/merge.table"
grep -q ' refuted ' "$work/unsharded.table" && grep -q ' holds ' "$work/unsharded.table" || fail "the unsharded run has no table"
diff "$work/unsharded.table" "$work/merge.table" || fail "the merge differs from the unsharded run"
echo "slurm: array of $shards, task $killed killed after $kept of $(lines "$(shard_file "$killed")") lines and requeued, merge equals the unsharded run"
