# docker, for /usr/lib/coracle/start.d/50-engine.
storage=/mnt/persist/skiff/docker

engine_ready() {
  # The daemon takes its time on a slow processor. Its socket is asked, at most for two minutes.
  tries=0
  until said=$(docker version --format '{{.Server.Version}}' 2>&1); do
    tries=$((tries + 1))
    [ $tries -lt 60 ] || { echo "$said"; return 1; }
    sleep 1
  done
  # coracle-oci version 0.1.0 …; asked here, since the daemon knows the version of runc alone.
  runtime=$(docker info --format '{{.DefaultRuntime}}') && of=$($runtime --version) || return 1
  set -- $of
  echo "docker $said, $1 $3"
}

engine_load() {
  docker load --quiet --input "$1"
}

engine_run() {
  docker run --rm --pull never --network none "$1"
}
