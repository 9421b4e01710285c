/**
 * A network namespace that plays the host: with pairs of interfaces of its own, and the runtime run in it. It is bound to a
 * file in the view, and goes away with the test.
 */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Runtime } from './runtime.ts';
import type { Ran, View } from './view.ts';

export interface Address {
  readonly family: string;
  readonly local: string;
  readonly address?: string;
  readonly prefixlen: number;
  readonly scope: string;
  readonly label?: string;
  readonly preferred_life_time: number;
}

/** As `ip -json address` says it, as far as tests look. */
export interface Interface {
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly address: string;
  readonly ifalias?: string;
  readonly txqlen?: number;
  readonly addr_info: readonly Address[];
}

let count = 0;

/** A network namespace by a file that it is bound to. */
export class NetworkNamespace {
  readonly path: string;
  readonly #view: View;

  private constructor(view: View, path: string) {
    this.#view = view;
    this.path = path;
  }

  static async make(view: View, scratch: string): Promise<NetworkNamespace> {
    count += 1;
    const path = join(scratch, `net-${count}`);
    writeFileSync(path, '');
    const made = await view.run(['unshare', `--net=${path}`, 'true']);
    if (made.exitCode !== 0) throw new Error(made.stderr);
    return new NetworkNamespace(view, path);
  }

  async remove(): Promise<void> {
    await this.#view.run(['umount', this.path]);
  }

  run(...argv: readonly string[]): Promise<Ran> {
    return this.#view.run(['nsenter', `--net=${this.path}`, ...argv]);
  }

  /** `ip` with these words, which has to work. */
  async ip(words: string): Promise<string> {
    const ran = await this.run('ip', ...words.split(' '));
    if (ran.exitCode !== 0) throw new Error(`ip ${words}: ${ran.stderr}`);
    return ran.stdout;
  }

  async interfaces(): Promise<Interface[]> {
    return JSON.parse(await this.ip('-json -details address')) as Interface[];
  }

  /** A runtime as it is in this namespace. */
  runtime(runtime: Runtime): Runtime {
    const path = `${this.path}-${runtime.name}`;
    writeFileSync(path, `#!/bin/sh\nexec nsenter --net=${this.path} ${runtime.path} "$@"\n`);
    chmodSync(path, 0o755);
    return { path, name: runtime.name };
  }
}

/** Why there can be no such interfaces on this machine, if so. */
export async function lacksInterfaces(view: View, scratch: string): Promise<string | undefined> {
  const namespace = await NetworkNamespace.make(view, scratch);
  try {
    await namespace.ip('link add v0 type veth peer name v1');
    await namespace.ip('-6 address add 2001:db8::1/64 dev v0');
    return undefined;
  } catch (error) {
    return `there are no pairs of virtual interfaces with IPv6 on this machine: ${String(error)}`;
  } finally {
    await namespace.remove();
  }
}
