# crun, for /usr/lib/coracle/start.d/50-engine. It has no storage and no images: it runs bundles (a directory with
# config.json and a root file system), which an image brings along in /usr/share/coracle/bundles.
storage=

engine_ready() {
  version=$(crun --version 2>&1) || { echo "$version"; return 1; }
  set -- $version
  echo "crun $3"
}

engine_load() {
  echo "crun runs bundles, not images: put the unpacked image into /usr/share/coracle/bundles" >&2
  return 1
}

engine_run() {
  # localhost/coracle/hello:latest → hello
  name=${1##*/}
  name=${name%:*}
  crun run --bundle "/usr/share/coracle/bundles/$name" "$name"
}
