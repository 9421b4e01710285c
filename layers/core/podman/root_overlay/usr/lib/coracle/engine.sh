# podman, for /usr/lib/coracle/start.d/50-engine.
storage=/mnt/persist/skiff/podman

engine_ready() {
  # It warns on stderr, for instance after the power went, and works all the same.
  if ! said=$(podman info --format '{{.Version.Version}} {{.Host.OCIRuntime.Version}}' 2> /run/coracle/engine.err); then
    tail -n 1 /run/coracle/engine.err
    return 1
  fi
  # 4.3.1 coracle-oci version 0.1.0 …
  set -- $said
  echo "podman $1, $2 $4"
}

engine_load() {
  podman load --quiet --input "$1"
}

engine_run() {
  podman run --rm --pull never --network none "$1"
}
