/** A reason in words: one or two sentences, without a full stop at the end, as causes of failures are. */
import { formatValue } from '../value.ts';
import type { Reason, Unmet } from './explain.ts';
import { type Expression, formatExpression } from './expression.ts';
import type { KconfigModel, Place } from './model.ts';
import type { Leaf } from './unmet.ts';

export function renderReason(reason: Reason, model: KconfigModel): string {
  const { symbol } = reason;
  switch (reason.kind) {
    case 'unknown-symbol':
      return `there is no symbol ${symbol}${reason.nearest.length === 0 ? '' : `; did you mean ${either(reason.nearest)}?`}`;
    case 'other-namespace':
      return `${symbol} is a symbol of ${reason.namespace}`;
    case 'removed': {
      const title = reason.title === '' ? '' : ` (${reason.title})`;
      const help = reason.help === '' ? '' : `: ${reason.help.replace(/\s+/g, ' ')}`;
      return `${symbol} was removed in this release${title}${help}`;
    }
    case 'wrong-type':
      return reason.type === undefined
        ? `${symbol} has no type (${placed(reason.at)})`
        : `${symbol} is ${TYPE_WORDS[reason.type]} (${placed(reason.at)})`;
    case 'unmet-dependency':
      return `${symbol} depends on ${unmetText(reason.unmet, reason.at, model)}`;
    case 'hidden-prompt':
      return `${symbol} can only be set with ${unmetText(reason.unmet, reason.at, model)}`;
    case 'module-only':
      return `${symbol} can be no more than m, for it depends on ${unmetText(reason.unmet, reason.at, model)}`;
    case 'not-settable': {
      const how = reason.from.length === 0 ? 'its default says what it is' : `it comes with ${either(reason.from)}`;
      return `${symbol} has no prompt, so nobody can set it (${placed(reason.at)}); ${how}`;
    }
    case 'selected':
      return `${symbol} is selected by ${few(reason.by.map((one) => `${one.symbol} (${placed(one)})`))}`;
    case 'other-member':
      return `${symbol} is one of the choice "${reason.choice}" (${placed(reason.at)}), in which ${reason.winner} is set`;
    case 'only-member': {
      const others = reason.members.filter((member) => member !== symbol);
      const instead = others.length === 0 ? 'and there is no other' : `set another instead: ${few(others)}`;
      return `${symbol} is the one set of the choice "${reason.choice}" (${placed(reason.at)}), which is never empty; ${instead}`;
    }
    case 'out-of-range':
      return `${symbol} must be from ${reason.low} to ${reason.high} (${placed(reason.at)})`;
    case 'no-modules':
      return `${symbol} cannot be m, since ${reason.modules === undefined ? 'there are no modules' : `${reason.modules} is not set`}`;
    case 'free':
      return `${symbol} can be set (${placed(reason.at)}), so something else was asked for later`;
    case 'unexplained':
      return `${symbol} is defined in ${placed(reason.at)}; the reason could not be found out`;
  }
}

const TYPE_WORDS = {
  bool: 'either y or n',
  tristate: 'y, m or n',
  string: 'a text in double quotes',
  int: 'a whole number',
  hex: 'a number in hex, such as 0x1F',
} as const;
/** More names than this say no more. */
const MOST_NAMES = 5;

/** The condition and where it is, then what each leaf is, and where its value comes from if it cannot just be set. */
function unmetText({ part, leaves }: Unmet, at: Place, model: KconfigModel): string {
  const shown = leaves.slice(0, MOST_NAMES).map((leaf) => leafText(leaf, model));
  const more = leaves.length - shown.length;
  const states = more > 0 ? [...shown, `${more} more`] : shown;
  return `${expressionText(part, model)} (${placed(at)})${states.length === 0 ? '' : `; ${states.join('; ')}`}`;
}

function leafText({ symbol, needs, actual, origin }: Leaf, model: KconfigModel): string {
  const state = actual === undefined || actual.value === 'n' ? 'is not set' : `is ${formatValue(actual)}`;
  const isToBeOn = needs.operator === '=' && needs.text === 'y';
  switch (origin.kind) {
    case 'undefined':
      return `${symbol} is defined nowhere`;
    case 'environment':
      return `${symbol} comes from the environment`;
    case 'selected':
      return `${symbol} is selected by ${few(origin.by)}`;
    case 'derived':
      return `${symbol} ${state}${isToBeOn && origin.from.length > 0 ? ` and comes with ${either(origin.from)}` : ''}`;
    case 'hidden':
      return `${symbol} ${state}${origin.unmet === undefined ? '' : ` and depends on ${expressionText(origin.unmet, model)} itself`}`;
    case 'settable':
      return `${symbol} ${state}`;
  }
}

function expressionText(expression: Expression, model: KconfigModel): string {
  return formatExpression(expression, model.prefix, (name) => model.symbols.has(name));
}

function placed({ file, line }: Place): string {
  return `${file}:${line}`;
}

function few(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return more > 1 ? `${names.slice(0, MOST_NAMES).join(', ')} and ${more} others` : names.join(', ');
}

function either(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return more > 1 ? `${names.slice(0, MOST_NAMES).join(', ')} or ${more} others` : names.join(' or ');
}
