#!/bin/sh
# Runs a command as root in a small world of its own, in which container runtimes can be let loose:
#
#     view.sh v1|v2 NAME COMMAND [ARGUMENT...]
#
# A private mount namespace; its own /dev, since some runtimes change the owners of device files; /sys/fs/cgroup with
# every version 1 controller that this kernel has (v1), or with the unified hierarchy only (v2); a cgroup namespace whose root
# is a new cgroup NAME, and a process namespace, so that all that is left is ended and removed. Exits with what the command exits
# with, or with 90 where the view cannot be had, and says why on the standard error.
set -u

lacking() {
  echo "view: $*" >&2
  exit 90
}

if [ "$1" = enter ]; then
  # Second half: inside the new cgroups, with a cgroup namespace.
  view=$2
  shift 2
  umount -R "$VIEW_ALL"
  # Numbers as long as a real machine's: some tests count their digits.
  echo 20000 >/proc/sys/kernel/ns_last_pid
  umount -R /sys/fs/cgroup
  if [ "$view" = v1 ]; then
    mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup || lacking "no tmpfs on /sys/fs/cgroup"
    for name in $VIEW_CONTROLLERS; do
      mkdir "/sys/fs/cgroup/$name"
      mount -t cgroup -o "$name" cgroup "/sys/fs/cgroup/$name" || lacking "no cgroup v1 controller $name"
    done
    mkdir /sys/fs/cgroup/systemd
    mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd || lacking "no named hierarchy"
  else
    mount -t cgroup2 cgroup2 /sys/fs/cgroup || lacking "no cgroup v2"
    # A cgroup with processes in it can have no controllers below.
    mkdir /sys/fs/cgroup/tests && echo 0 >/sys/fs/cgroup/tests/cgroup.procs || lacking "cannot enter a cgroup"
    for name in $(cat /sys/fs/cgroup/cgroup.controllers); do
      echo "+$name" >/sys/fs/cgroup/cgroup.subtree_control
    done
  fi
  # Not by exec: the first process of a process namespace has to wait for orphans, as this shell does.
  "$@"
  status=$?
  # The namespace ends with this shell, and would wait for ever for what is frozen.
  find /sys/fs/cgroup -name freezer.state -exec sh -c 'for file; do echo THAWED >"$file"; done' sh {} + 2>/dev/null
  exit $status
fi

if [ "$1" != outer ]; then
  exec unshare --mount --propagation private sh "$0" outer "$@"
fi
shift
view=$1
cgroup=$2
shift 2

own_dev() {
  base=$(mktemp -d) && mount -t tmpfs -o mode=755,size=1m dev "$base" || lacking "no tmpfs for /dev"
  for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0 fuse:10:229 kmsg:1:11; do
    name=${node%%:*}
    numbers=${node#*:}
    mknod -m 666 "$base/$name" c "${numbers%:*}" "${numbers#*:}" || lacking "cannot make device files"
  done
  mkdir "$base/pts" "$base/shm" "$base/mqueue"
  ln -s pts/ptmx "$base/ptmx"
  ln -s /proc/self/fd "$base/fd"
  ln -s /proc/self/fd/0 "$base/stdin"
  ln -s /proc/self/fd/1 "$base/stdout"
  ln -s /proc/self/fd/2 "$base/stderr"
  # The terminal that this may run on has to stay.
  mount --rbind /dev/pts "$base/pts" || lacking "no /dev/pts"
  mount -t tmpfs -o mode=1777 shm "$base/shm" || lacking "no tmpfs"
  mount -t mqueue mqueue "$base/mqueue" 2>/dev/null
  mount --move "$base" /dev || lacking "cannot replace /dev"
  rmdir "$base"
}
own_dev
# Whatever standard input was: /dev/null may be the machine's own.
exec </dev/null

all=$(mktemp -d)
export VIEW_ALL="$all"
mount -t tmpfs -o mode=755 cgroup "$all" || lacking "no tmpfs"
places=
if [ "$view" = v1 ]; then
  VIEW_CONTROLLERS=
  # Essential ones first: what the unified hierarchy uses cannot be had.
  for name in memory pids cpu devices freezer $(awk '!/^#/ && $4 == 1 { print $1 }' /proc/cgroups) systemd; do
    [ ! -d "$all/$name" ] || continue
    mkdir "$all/$name"
    option=$name
    [ "$name" != systemd ] || option=none,name=systemd
    if ! mount -t cgroup -o "$option" cgroup "$all/$name" 2>/dev/null; then
      rmdir "$all/$name"
      case $name in memory | pids | cpu | devices | freezer | systemd) lacking "no cgroup v1 controller $name" ;; esac
      continue
    fi
    [ "$name" = systemd ] || VIEW_CONTROLLERS="$VIEW_CONTROLLERS $name"
    # Below where we are, so that limits upon us stay.
    below=$(sed -n "s/^[0-9]*:\(.*,\)\?\(name=\)\?$name\(,.*\)\?:\/\?//p" /proc/self/cgroup)
    place=$all/$name/$below/$cgroup
    mkdir "$place" || lacking "cannot make a cgroup"
    places="$places $place"
    for file in cpuset.cpus cpuset.mems; do
      [ ! -e "$place/$file" ] || cat "$place/../$file" >"$place/$file"
    done
    # With group scheduling of real-time tasks, a cgroup without a share lets none of them in.
    [ ! -e "$place/cpu.rt_runtime_us" ] || echo 200000 >"$place/cpu.rt_runtime_us" 2>/dev/null
  done
  export VIEW_CONTROLLERS
else
  unified=$all/unified
  mkdir "$unified" && mount -t cgroup2 cgroup2 "$unified" || lacking "no cgroup v2"
  before=$(cat "$unified/cgroup.subtree_control")
  for name in $(cat "$unified/cgroup.controllers"); do
    echo "+$name" >"$unified/cgroup.subtree_control" 2>/dev/null
  done
  mkdir "$unified/$cgroup" || lacking "cannot make a cgroup"
  places=$unified/$cgroup
fi

# A subshell that enters, so that this shell stays outside and can clean up.
(
  self=$(sh -c 'echo $PPID')
  for place in $places; do
    echo "$self" >"$place/cgroup.procs" || lacking "cannot enter $place"
  done
  exec unshare --cgroup --pid --fork --kill-child --mount-proc sh "$0" enter "$view" "$@"
)
status=$?

# What is left is thawed and ended, then the cgroups go.
tries=0
left=$places
while [ -n "$left" ] && [ $tries -lt 200 ]; do
  find $left -name freezer.state -exec sh -c 'for file; do echo THAWED >"$file"; done' sh {} + 2>/dev/null
  find $left -mindepth 2 -name cgroup.freeze -exec sh -c 'for file; do echo 0 >"$file"; done' sh {} + 2>/dev/null
  find $left -name cgroup.procs -exec cat {} + 2>/dev/null | while read -r pid; do kill -KILL "$pid" 2>/dev/null; done
  still=
  for place in $left; do
    find "$place" -depth -type d -exec rmdir {} \; 2>/dev/null
    [ ! -d "$place" ] || still="$still $place"
  done
  left=$still
  tries=$((tries + 1))
  [ -z "$left" ] || sleep 0.05
done
[ -z "$left" ] || echo "view: left behind: $left" >&2
if [ "$view" = v2 ]; then
  for name in $(cat "$unified/cgroup.subtree_control"); do
    case " $before " in *" $name "*) ;; *) echo "-$name" >"$unified/cgroup.subtree_control" 2>/dev/null ;; esac
  done
fi
umount -R "$all" && rmdir "$all"
exit $status
