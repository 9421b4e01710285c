/** The links of update-alternatives: `/usr/bin/pager` → `/etc/alternatives/pager` → the best choice that is in the root. */
import type { AlternativeChoice, ConfiguredRoot } from '../configured-root.ts';

const ORIGIN = 'alternatives';

/** @param chosen layer's choices: name of the alternative → path */
export function linkAlternatives(root: ConfiguredRoot, chosen: ReadonlyMap<string, string>): void {
  for (const name of [...root.alternatives.keys()].sort()) {
    const choices = (root.alternatives.get(name) ?? []).filter((choice) => root.resolve(choice.path) !== undefined);
    const best = choices.find((choice) => choice.path === chosen.get(name)) ?? bestOf(choices);
    if (best === undefined) continue;
    linkOne(root, name, best.link, best.path);
    for (const slave of best.slaves) {
      if (root.resolve(slave.path) !== undefined) linkOne(root, slave.name, slave.link, slave.path);
    }
  }
}

/** The highest priority; of equals the first by path, whatever the order of the packages was. */
function bestOf(choices: readonly AlternativeChoice[]): AlternativeChoice | undefined {
  return choices.toSorted((a, b) => b.priority - a.priority || (a.path < b.path ? -1 : 1))[0];
}

function linkOne(root: ConfiguredRoot, name: string, link: string, path: string): void {
  const there = root.entry(link);
  // As update-alternatives: a real file is never replaced by a link.
  if (there !== undefined && there.type !== 'symlink') return;
  root.tree.addLink(`/etc/alternatives/${name}`, path, { origin: ORIGIN });
  root.tree.addLink(link, `/etc/alternatives/${name}`, { origin: ORIGIN });
}
