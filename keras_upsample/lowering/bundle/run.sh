#!/bin/sh
# Times the .tflite files of this folder by LiteRT's benchmark_model and writes timings.txt.
set -u

usage() {
    cat <<'TEXT'
sh run.sh [OPTIONS] BENCHMARK_MODEL [-- FLAGS...]

BENCHMARK_MODEL  LiteRT's program, built for the device; benchmark_model.py in this folder does the
                 same where Python and the package ai-edge-litert are installed
--adb            run on the Android device that adb is connected to; $ADB is the program (adb), and
                 $ANDROID_SERIAL chooses among several devices
--threads N      threads (1)
--rounds N       runs of each file, in turn with all others (4)
--prefix WORDS   put before the command, e.g. "taskset f0" for some of the cores
--device NAME    name of the device in reports; default: what the device says
--out FILE       default: timings.txt in this folder
FLAGS            further flags of benchmark_model
TEXT
}

fail() {
    echo "run.sh: $*" >&2
    exit 1
}

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 1
adb=
threads=1
rounds=4
prefix=
device=
out=$here/timings.txt
tool=
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help)
        usage
        exit 0
        ;;
    --adb) adb=${ADB:-adb} ;;
    --threads | --rounds | --prefix | --device | --out)
        [ $# -gt 1 ] || fail "$1 needs a value"
        case $1 in
        --threads) threads=$2 ;;
        --rounds) rounds=$2 ;;
        --prefix) prefix=$2 ;;
        --device) device=$2 ;;
        --out) out=$2 ;;
        esac
        shift
        ;;
    --)
        shift
        break
        ;;
    -*) fail "there is no option $1; see sh run.sh --help" ;;
    *)
        [ -z "$tool" ] || fail "one BENCHMARK_MODEL, not also $1; flags for it stand after --"
        tool=$1
        ;;
    esac
    shift
done
[ -n "$tool" ] || { usage >&2; exit 1; }
[ -f "$tool" ] || fail "there is no file $tool"
for number in "$threads" "$rounds"; do
    case $number in
    '' | 0* | *[!0-9]*) fail "--threads and --rounds take whole numbers from 1. Received: $number" ;;
    esac
done
case $tool in
/*) ;;
*) tool=$PWD/$tool ;;
esac
case $out in
/*) ;;
*) out=$PWD/$out ;;
esac
cd -- "$here" || exit 1
[ -f bundle.json ] || fail "there is no bundle.json in $here"

flags="--num_threads=$threads --num_runs=20 --min_secs=0.3 --max_secs=30 --warmup_runs=2"
flags="$flags --warmup_min_secs=0.1@FLAGS@${*:+ $*}"
part=$out.part
place=

finish() {
    rm -f -- "$part"
    # Its name was made here: nothing else is removed.
    [ -z "$place" ] || "$adb" shell "rm -rf $place" </dev/null >/dev/null 2>&1
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ -n "$adb" ]; then
    command -v "$adb" >/dev/null || fail "there is no program $adb; set ADB to it"
    "$adb" get-state </dev/null >/dev/null || fail "adb has no device, or several; see adb devices"
    place=/data/local/tmp/keras_upsample.$$
    "$adb" shell "mkdir $place" </dev/null >&2 || fail "$place can't be made on the device"
    "$adb" push "$tool" "$place/benchmark_model" </dev/null >&2 || fail "adb push failed"
    "$adb" push ./*.tflite "$place/" </dev/null >&2 || fail "adb push failed"
    "$adb" shell "chmod 755 $place/benchmark_model" </dev/null >&2 || fail "chmod failed"
    if [ -z "$device" ]; then
        device=$("$adb" shell "getprop ro.product.manufacturer; getprop ro.product.model" </dev/null | tr -d '\r' | tr '\n' ' ')
    fi
    name=benchmark_model
else
    [ -x "$tool" ] || fail "$tool can't be executed; see chmod +x"
    [ -n "$device" ] || device=$(uname -s -m)
    name=${tool##*/}
fi

{
    echo "keras-upsample timings 1"
    echo "device: $device"
    echo "command: ${prefix:+$prefix }$name $flags"
    echo "== bundle"
    cat bundle.json
} >"$part" || fail "$part can't be written"

# What one run prints, and its status in the last line.
run() {
    if [ -n "$adb" ]; then
        "$adb" shell "cd $place && $prefix ./benchmark_model --graph=$1 $flags 2>&1; status=\$?; echo; echo == status \$status" \
            </dev/null 2>&1
    else
        # shellcheck disable=SC2086 # words of a command
        $prefix "$tool" --graph="$1" $flags </dev/null 2>&1
        status=$?
        echo
        echo "== status $status"
    fi
}

total=$(ls -- *.tflite | wc -l)
round=1
while [ "$round" -le "$rounds" ]; do
    number=0
    for file in *.tflite; do
        number=$((number + 1))
        echo "round $round of $rounds, file $number of $((total)): $file" >&2
        said=$(run "$file" | tr -d '\r')
        last=$(printf '%s\n' "$said" | tail -n 1)
        case $last in
        "== status 126" | "== status 127")
            printf '%s\n' "$said" | head -n 3 >&2
            fail "the command can't be run: ${prefix:+$prefix }$tool"
            ;;
        "== status "*) ;;
        *)
            printf '%s\n' "$said" | head -n 3 >&2
            fail "the device gave no answer"
            ;;
        esac
        printf '== run %s\n%s\n' "$file" "$said" >>"$part" || fail "$part can't be written"
    done
    round=$((round + 1))
done
echo "== end" >>"$part" || fail "$part can't be written"
mv -f -- "$part" "$out" || fail "$out can't be written"
echo "written: $out" >&2
