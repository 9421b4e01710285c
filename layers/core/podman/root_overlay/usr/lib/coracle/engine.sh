# podman, for /usr/lib/coracle/start.d/50-engine.
storage=/mnt/persist/skiff/podman

engine_ready() {
  # It warns on stderr, for instance after the power went, and works all the same.
  if ! version=$(podman info --format '{{.Version.Version}}' 2> /run/coracle/engine.err); then
    tail -n 1 /run/coracle/engine.err
    return 1
  fi
  echo "podman $version"
}

engine_load() {
  podman load --quiet --input "$1"
}

engine_run() {
  podman run --rm --pull never --network none "$1"
}
