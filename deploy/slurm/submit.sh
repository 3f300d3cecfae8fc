#!/usr/bin/env bash
# Submits a deep search: a job array with a task for each shard, and the merge as a job that waits for all of them.
#
#   deploy/slurm/submit.sh SHARDS CASES OUT ledger
#   deploy/slurm/submit.sh SHARDS CASES OUT falsify FILE
#
# GROUPRL is the command where it is not grouprl on the path of every node, as in GROUPRL="dotnet /shared/grouprl/grouprl.dll".
# What a cluster asks for besides, sbatch reads itself: SBATCH_PARTITION, SBATCH_ACCOUNT, SBATCH_TIMELIMIT, …
set -euo pipefail

refuse() {
    echo "submit.sh: $1" >&2
    exit 2
}

[ $# -ge 4 ] || refuse "SHARDS, CASES, OUT and what to run (ledger, or falsify FILE) are needed, in this order; $# of these words were given."
shards=$1 cases=$2 out=$3
shift 3
[[ $shards =~ ^[1-9][0-9]*$ ]] || refuse "SHARDS must be a whole number from 1, not '$shards'."
[[ $cases =~ ^[1-9][0-9]*$ ]] || refuse "CASES must be a whole number from 1, not '$cases'."
case $1 in
    ledger) [ $# = 1 ] || refuse "ledger takes no file, but '$2' was given." ;;
    falsify)
        [ $# = 2 ] || refuse "falsify takes one file, not $(($# - 1))."
        # Of code, path.dll#Type, the part before # is the file.
        [ -r "${2%%#*}" ] || refuse "the file ${2%%#*} cannot be read."
        ;;
    *) refuse "what to run must be ledger or falsify, not '$1'." ;;
esac
read -ra grouprl <<<"${GROUPRL:-grouprl}"
command -v "${grouprl[0]}" >/dev/null || refuse "the command ${grouprl[0]} is not on the path; GROUPRL names another."
command -v sbatch >/dev/null || refuse "sbatch is not on the path: this must run where jobs are submitted to Slurm."
mkdir -p "$out/logs" 2>/dev/null || refuse "the folder $out cannot be written."

here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "$out" && pwd)
array=$(sbatch --parsable --array="1-$shards" --output="$out/logs/shard-%a.txt" "$here/shard.sbatch" "$shards" "$cases" "$out" "$@")
# With several clusters sbatch prints JOB;CLUSTER.
array=${array%%;*}
if [ "$1" = falsify ]; then set -- "$out" --out "$out/counterexamples"; else set -- "$out"; fi
merge=$(sbatch --parsable --dependency="afterok:$array" --kill-on-invalid-dep=yes --output="$out/merge.txt" "$here/merge.sbatch" "$@")
echo "array $array of $shards shards, then merge ${merge%%;*} into $out/merge.txt"
