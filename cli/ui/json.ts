/**
 * Renderings for machines. A verb that streams writes every event as one line of JSON on stdout; one that answers a
 * question writes only its value. Talk stays readable on stderr in the second case.
 */
import type { Event, Report } from './events.ts';

export function jsonEvents(out: NodeJS.WritableStream): Report {
  return (event: Event): void => {
    const { text: _, ...rest } = event as Event & { text?: string };
    out.write(`${JSON.stringify(event.kind === 'result' ? rest : event)}\n`);
  };
}

export function jsonValue(out: NodeJS.WritableStream, talk: Report): Report {
  return (event: Event): void => {
    if (event.kind === 'result') out.write(`${JSON.stringify(event.value, undefined, 2)}\n`);
    else talk(event);
  };
}
