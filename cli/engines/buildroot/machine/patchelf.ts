/**
 * Text of a program that stands in for Buildroot's patchelf by the machine's, to which one option of Buildroot's own is
 * added: `--make-rpath-relative ROOT [--no-standard-lib-dirs] [--relative-to-file] FILE` (support/scripts/fix-rpath of a
 * tree). Of the directories in which a program looks for libraries, it keeps those below ROOT that exist, as seen from ROOT,
 * or from the program itself (`$ORIGIN`). By it an SDK works in another place than where it was built.
 */
const OPTION = `[ "\${1-}" = --make-rpath-relative ] || exec "$real" "$@"
root=$2
shift 2
standard=y
relative=
while [ $# -gt 1 ]; do
  case $1 in
    --no-standard-lib-dirs) standard= ;;
    --relative-to-file) relative=y ;;
  esac
  shift
done
old=$("$real" --print-rpath "$1") || exit
[ -n "$old" ] || exit 0
root=$(realpath "$root") || exit
origin=$(realpath "$(dirname "$1")") || exit
new=
IFS=:
set -f
for entry in $old; do
  case $entry in
    '$ORIGIN'*) entry=$origin\${entry#'$ORIGIN'} ;;
    "$root" | "$root"/*) ;;
    *) entry=$root/$entry ;;
  esac
  entry=$(realpath -e "$entry" 2>/dev/null) || continue
  case $entry in
    "$root" | "$root"/*) ;;
    *) continue ;;
  esac
  if [ -z "$standard" ]; then
    case $entry in "$root/lib" | "$root/usr/lib") continue ;; esac
  fi
  if [ -z "$relative" ]; then
    entry=\${entry#"$root"}
  elif [ "$entry" = "$origin" ]; then
    entry='$ORIGIN'
  else
    entry='$ORIGIN/'$(realpath --relative-to="$origin" "$entry")
  fi
  case :$new: in *:"$entry":*) ;; *) new=\${new:+$new:}$entry ;; esac
done
[ "$new" != "$old" ] || exit 0
[ -n "$new" ] || exec "$real" --remove-rpath "$1"
exec "$real" --set-rpath "$new" "$1"`;

/** Lines of a program for `/bin/sh`. @param program absolute path of the machine's patchelf, quoted for a shell */
export function patchelfStandIn(program: string): readonly string[] {
  return ['#!/bin/sh', `real=${program}`, ...OPTION.split('\n')];
}
