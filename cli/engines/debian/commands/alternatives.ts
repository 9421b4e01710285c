/** update-alternatives: collects the choices; the links are made when all packages are configured (effects/alternatives.ts). */

import type { AlternativeChoice } from '../configured-root.ts';
import { UNKNOWN } from '../shell/unknown.ts';
import { act, DONE, type Model, type Models, UNSURE } from './model.ts';

const updateAlternatives: Model = (call, { root }) => {
  const args = call.argv.slice(1);
  const at = args.indexOf('--install');
  if (at < 0) {
    const asks = args.some((arg) => /^--(?:query|list|display|get-selections)$/.test(arg));
    // On a fresh installation there is nothing to remove, and `auto` is how it is.
    return asks ? { ...UNSURE, output: UNKNOWN } : DONE;
  }
  const [link = '', name = '', path = '', priority = '0'] = args.slice(at + 1);
  const slaves: { name: string; link: string; path: string }[] = [];
  for (let i = 0; i < args.length; i += 1) {
    if (args[i] !== '--slave') continue;
    slaves.push({ link: args[i + 1] ?? '', name: args[i + 2] ?? '', path: args[i + 3] ?? '' });
  }
  return act(call, args, () => {
    const choice: AlternativeChoice = { link, path, priority: Number(priority), slaves };
    const others = (root.alternatives.get(name) ?? []).filter((one) => one.path !== path);
    root.alternatives.set(name, [...others, choice]);
  });
};

export const ALTERNATIVES: Models = { 'update-alternatives': updateAlternatives };
