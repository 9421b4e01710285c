/** Declared effects applied to the root: accounts before the maintainer scripts, files after them, units at the end. */
import { Failure, throwAny } from '../../../failure.ts';
import type { RootTree } from '../../../rootfs/tree.ts';
import type { ConfiguredRoot } from '../configured-root.ts';
import type { AccountedCommand } from '../package-models.ts';
import type { Effect } from './effect-schema.ts';
import { disableUnit, enableUnit, findUnit, maskUnit } from './units.ts';

/** Users, groups and answers: what scripts look at. */
export function prepareRoot(root: ConfiguredRoot, effects: readonly Effect[]): void {
  const { accounts } = root;
  for (const { kind, value } of effects) {
    if (kind === 'group') accounts.addGroup(value.name, value.gid);
    if (kind === 'answer') root.answers.set(value.question, value.value);
    if (kind !== 'user') continue;
    const gid = value.group === undefined ? undefined : accounts.addGroup(value.group).gid;
    accounts.addUser(value.name, {
      ...(value.uid !== undefined && { uid: value.uid }),
      ...(gid !== undefined && { gid }),
      ...(value.home !== undefined && { home: value.home }),
      ...(value.shell !== undefined && { shell: value.shell }),
      ...(value.comment !== undefined && { gecos: value.comment }),
    });
    for (const group of value.groups ?? []) accounts.addMember(group, value.name);
  }
}

/** Commands that layers account for, by package. */
export function accountedCommands(effects: readonly Effect[]): ReadonlyMap<string, readonly AccountedCommand[]> {
  const accounted = new Map<string, AccountedCommand[]>();
  for (const { kind, value } of effects) {
    if (kind !== 'accounts') continue;
    accounted.set(value.package, [...(accounted.get(value.package) ?? []), value]);
  }
  return accounted;
}

export function chosenAlternatives(effects: readonly Effect[]): ReadonlyMap<string, string> {
  return new Map(
    effects.flatMap((effect) => (effect.kind === 'alternative' ? [[effect.value.name, effect.value.path]] : [])),
  );
}

/** Files, links, removals and access, in the order in which they are declared. */
export function applyFileEffects(root: ConfiguredRoot, effects: readonly Effect[]): void {
  const failures: Failure[] = [];
  for (const effect of effects) {
    try {
      applyOne(root, effect);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failures.push(error.with({ place: effect.place, layer: effect.layer }));
    }
  }
  throwAny(failures);
}

function applyOne(root: ConfiguredRoot, effect: Effect): void {
  const { tree } = root;
  const origin = `layer ${effect.layer}`;
  switch (effect.kind) {
    case 'directory':
      tree.addDirectory(effect.value.path, { origin, ...access(root, effect, effect.value) });
      return;
    case 'file':
      tree.addFile(effect.value.path, effect.value.text, { origin, ...access(root, effect, effect.value) });
      return;
    case 'copy': {
      const file = tree.file(effect.value.from);
      if (file === undefined) throw broken(effect, `the root has no file ${effect.value.from}`);
      tree.put({ ...file, path: effect.value.to, origin, ...access(root, effect, effect.value) });
      return;
    }
    case 'link':
      tree.addLink(effect.value.path, effect.value.to, { origin });
      return;
    case 'remove':
      for (const path of effect.value) {
        const entry = root.entry(path);
        if (entry === undefined) throw broken(effect, `the root has no ${path}`);
        tree.remove(entry.path);
      }
      return;
    case 'access': {
      const entry = root.resolve(effect.value.path);
      if (entry === undefined) throw broken(effect, `the root has no ${effect.value.path}`);
      tree.setMetadata(entry.path, access(root, effect, effect.value));
      return;
    }
    default:
      return;
  }
}

/** Which units start, once layers' own units are there. */
export function applyUnitEffects(tree: RootTree, effects: readonly Effect[]): void {
  const failures: Failure[] = [];
  for (const effect of effects) {
    if (effect.kind !== 'enable' && effect.kind !== 'disable' && effect.kind !== 'mask') continue;
    for (const unit of effect.value) {
      if (effect.kind === 'disable') disableUnit(tree, unit);
      else if (effect.kind === 'mask') maskUnit(tree, unit, `layer ${effect.layer}`);
      else if (findUnit(tree, unit) === undefined) failures.push(broken(effect, `the root has no unit ${unit}`));
      else enableUnit(tree, unit, `layer ${effect.layer}`);
    }
  }
  throwAny(failures);
}

interface Access {
  readonly mode?: string | undefined;
  readonly owner?: string | undefined;
}

function access(
  root: ConfiguredRoot,
  effect: Effect,
  { mode, owner }: Access,
): { mode?: number; uid?: number; gid?: number } {
  const ids = owner === undefined ? {} : root.accounts.owner(owner);
  if (ids === undefined) throw broken(effect, `the root has no user or group of ${owner}`);
  return { ...(mode !== undefined && { mode: Number.parseInt(mode, 8) }), ...ids };
}

function broken(effect: Effect, cause: string): Failure {
  return new Failure({
    code: 'effect-failed',
    message: `the effect ${effect.kind} cannot be had`,
    place: effect.place,
    layer: effect.layer,
    cause,
  });
}
