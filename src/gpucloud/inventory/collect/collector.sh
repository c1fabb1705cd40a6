# Gather a host's facts where python3 is missing: POSIX sh, head, ls, od, sed and tr; busybox is enough.
# Sent over ssh after `root=...` and followed by one call a rule. What it prints: see wire.py.
IFS=
LC_ALL=C
export LC_ALL
release=-
[ -r "$root/proc/sys/kernel/osrelease" ] && read -r release < "$root/proc/sys/kernel/osrelease"

with_release() {
    case $1 in
    *@release*) pattern=${1%%@release*}$release${1#*@release} ;;
    *) pattern=$1 ;;
    esac
}

folder() {
    with_release "$1"
    for path in $root$pattern; do
        [ -d "$path" ] || continue
        printf 'D%s\n' "${path#"$root"}"
        [ -r "$path" ] || printf 'U%s\tpermission denied\n' "${path#"$root"}"
    done
}

is_readable() {
    [ -f "$1" ] || return 1
    [ -r "$1" ] && return 0
    printf 'U%s\tpermission denied\n' "${1#"$root"}"
    return 1
}

lines() {
    while read -r line || [ -n "$line" ]; do
        printf '+%s\n' "$line"
    done
}

file() {
    for path in $root$1; do
        is_readable "$path" || continue
        printf 'F%s\n' "${path#"$root"}"
        case $path in
        */proc/net/fib_trie) sed -n -e '/:$/s/^/+/p' -e '/^ *\/0 /s/^/+/p' "$path" ;;
        *) { lines < "$path"; } 2>/dev/null ;;
        esac
    done
}

long() {
    with_release "$1"
    for path in $root$pattern; do
        is_readable "$path" || continue
        printf 'F%s\n' "${path#"$root"}"
        tr '\000' '\n' < "$path" | sed 's/^/+/'
        echo
    done
}

beginning() {
    for path in $root$1; do
        is_readable "$path" || continue
        printf 'F%s\n' "${path#"$root"}"
        head -c "$head_limit" "$path" | sed 's/^/+/'
        echo
    done
}

bytes() {
    for path in $root$1; do
        is_readable "$path" || continue
        printf 'X%s\t' "${path#"$root"}"
        od -An -v -tx1 "$path" | tr -d ' \n'
        echo
    done
}

link() {
    ls -ld $root$1 2>/dev/null | while read -r line; do
        case $line in
        *' -> '*)
            rest=${line#*" $root/"}
            printf 'L/%s\t%s\n' "${rest%%' -> '*}" "${rest#*' -> '}"
            ;;
        esac
    done
}

name() {
    for path in $root$1; do
        if [ -d "$path" ]; then
            printf 'D%s\n' "${path#"$root"}"
        elif [ -e "$path" ] || [ -h "$path" ]; then
            printf 'N%s\n' "${path#"$root"}"
        fi
    done
}

process() {
    printf 'F%s/comm\n' "${1#"$root"}"
    { lines < "$1/comm"; } 2>/dev/null
    tr '\000' '\n' < "$1/cmdline" 2>/dev/null | {
        read -r word || exit 0
        case $word in *qemu*) ;; *) exit 0 ;; esac
        while read -r word; do
            [ "$word" = -name ] && read -r word || continue
            case $word in
            guest=*) word=${word%%,*} ;;
            *guest=*) word=guest=${word#*guest=} word=${word%%,*} ;;
            *) word=${word%%,*} ;;
            esac
            printf 'F%s/cmdline\n+qemu\n+-name\n+%s\n' "${1#"$root"}" "$word"
            exit 0
        done
    }
}

# The number of the device that an open file is, whatever its name: /dev/char/226:0.
number_of() {
    IFS=' '
    set -- $(ls -lnLd "$1" 2>/dev/null)
    IFS=
    case $1 in
    c*) number=/dev/char/${5%,}:$6 ;;
    b*) number=/dev/block/${5%,}:$6 ;;
    *) return 1 ;;
    esac
}

# An open file of a file system that asks nobody on the network: /proc/71/fd/7.
is_on_local() {
    mount=$(sed -n 's/^mnt_id:[^0-9]*//p' "${1%/fd/*}/fdinfo/${1##*/}" 2>/dev/null)
    [ -n "$mount" ] || return 1
    case $(sed -n "s/^$mount .* - \([^ ]*\) .*/\1/p" "${1%/fd/*}/mountinfo" 2>/dev/null) in
    devtmpfs | tmpfs | overlay | ext4 | xfs | btrfs) return 0 ;;
    esac
    return 1
}

is_of_function() {
    case $1 in /dev/char/195:*) return 0 ;; esac
    case $(ls -ld "/sys$1" 2>/dev/null) in *' -> '*/pci* | *' -> '*/virtual/vfio/*) return 0 ;; esac
    return 1
}

# What a process has open, as it is to be printed; nothing where it is no device node of a function.
node_of() {
    case $2 in
    /dev/null | /dev/zero | /dev/*random | /dev/tty* | /dev/pts/* | /dev/ptmx | /dev/shm/* | /dev/kvm) return 1 ;;
    /dev/*) ;;
    */dev/*) [ -z "$root" ] && is_on_local "$1" || return 1 ;;
    *) return 1 ;;
    esac
    node=$2
    [ -z "$root" ] && number_of "$1" && is_of_function "$number" && node=$number && return 0
    is_node "$node"
}

holders() {
    printf 'D/proc\n'
    for path in "$root"/proc/[0-9]*; do
        [ -d "$path/fd" ] || continue
        [ -r "$path/fd" ] && continue
        printf 'D%s\nU%s/fd\tpermission denied\n' "${path#"$root"}" "${path#"$root"}"
    done
    # A second folder makes ls print the name of the first.
    ls -l "$root"/proc/[0-9]*/fd "$root/sys" 2>/dev/null | {
        folder= seen=
        while read -r line; do
            case $line in
            "$root"/*:) folder=${line%:} ;;
            *' -> '*)
                entry=${line%' -> '*}
                entry=$folder/${entry##* }
                node_of "$entry" "${line##*' -> '}" || continue
                printf 'L%s\t%s\n' "${entry#"$root"}" "$node"
                [ "$seen" = "$folder" ] || process "${folder%/fd}"
                seen=$folder
                ;;
            esac
        done
    }
}

kvm() {
    printf 'U/gpucloud/kvm\tthe host has no python3, which alone can ask\n'
}
