import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failuresOf } from '../../test/support/files.ts';
import { decodeTemplate, renderTemplate } from './template.ts';

const values = {
  hostname: 'pi <4> & "co"',
  port: '8080',
  name: 'port',
  empty: '',
  layers: ['base/mini', 'core/podman'],
};
const render = (text: string): Promise<string> => renderTemplate(text, '/l/etc/x.hbs', values);

describe('templates', () => {
  test.each([
    ['{{hostname}}', 'pi <4> & "co"'],
    ['{{{port}}}:{{ port }}', '8080:8080'],
    ['{{#each layers}}{{@index}}={{this}} {{/each}}', '0=base/mini 1=core/podman '],
    ['{{#each layers as |name|}}{{name}};{{/each}}', 'base/mini;core/podman;'],
    ['{{#if empty}}a{{else}}b{{/if}}{{#unless port}}c{{/unless}}', 'b'],
    ['{{#each layers}}{{../port}} {{/each}}', '8080 8080 '],
    ['{{lookup layers 0}}', 'base/mini'],
    ['{{lookup . "port"}} {{lookup @root "port"}} {{lookup this (lookup . "name")}}', '8080 8080 8080'],
    ['{{#each layers}}{{#if @first}}{{@root.port}}{{/if}}{{#unless @last}}, {{/unless}}{{/each}}', '8080, '],
    ['{{#with port}}{{this}} {{../hostname}}{{else}}no {{port}}{{/with}}', '8080 pi <4> & "co"'],
    ['{{#with empty}}x{{else}}no {{port}}{{/with}}', 'no 8080'],
    ['{{#with .}}{{port}}{{/with}}{{#with port as |p|}}{{p}}{{#with ..}}{{port}}{{/with}}{{/with}}', '808080808080'],
    ['{{#layers}}{{@index}}{{this}} {{/layers}}', '0base/mini 1core/podman '],
    ['{{layers.[0]}} {{layers.length}}', 'base/mini 2'],
    ['{{#each .}}{{#if @first}}{{@key}}{{/if}}{{/each}}', 'hostname'],
    ['\\{{port}} {{!-- gone --}}$(x) `y`', '{{port}} $(x) `y`'],
    ['no braces\r\nat all', 'no braces\r\nat all'],
    ['', ''],
  ])('%j is %j', async (text, result) => {
    expect(await render(text)).toBe(result);
  });

  test('text without braces is left as it is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme' }).filter((text) => !/[{}\\]/.test(text)),
        async (text) => {
          expect(await render(text)).toBe(text);
        },
      ),
    );
  });

  test('an unknown name is a failure with line, column and the known names, wherever it stands', async () => {
    const found = await failuresOf(() =>
      render('a\n b {{hostnme}}\n{{#if prt}}{{/if}}{{#each lyers}}{{/each}}{{lookup nope 0}}'),
    );
    expect(found.map(({ code, place }) => [code, place?.line, place?.column])).toEqual([
      ['unknown-variable', 2, 6],
      ['unknown-variable', 3, 7],
      ['unknown-variable', 3, 27],
      ['unknown-variable', 3, 52],
    ]);
    expect(found[0]?.message).toContain('hostnme');
    expect(found[0]?.hint).toContain('empty, hostname, layers, name, port');
    expect(found[0]?.place?.file).toBe('/l/etc/x.hbs');
  });

  test.each(['constructor', '__proto__', 'toString', 'log port', 'helperMissing'])(
    '{{%s}} reaches nothing',
    async (name) => {
      expect((await failuresOf(() => render(`{{${name}}}`)))[0]?.code).toBe('unknown-variable');
    },
  );

  test.each([
    '{{lookup . "nope"}}',
    '{{lookup . "toString"}}',
    '{{#if (lookup . "nope")}}{{/if}}',
    '{{#if @nope}}{{/if}}',
    '{{#if @index}}{{/if}}',
    '{{@root.nope}}',
    '{{#if @root.nope}}{{/if}}',
    '{{#if port.nope}}{{/if}}',
    '{{#if layers.[9]}}{{/if}}',
    '{{#if ../port}}{{/if}}',
    '{{#if if}}{{/if}}',
    '{{#if this.nope}}{{/if}}',
    '{{#if ./nope}}{{/if}}',
    '{{"nope"}}',
    '{{#"nope"}}{{/"nope"}}',
    '{{#nope}}{{/nope}}',
    '{{^nope}}{{/nope}}',
    '{{#with nope}}{{/with}}',
    '{{#each nope}}{{/each}}',
    '{{#each layers}}{{else}}{{#if nope}}{{/if}}{{/each}}',
    '{{#each layers as |x|}}{{/each}}{{#if x}}{{/if}}',
    '{{#each layers as |x|}}{{#if x.nope}}{{/if}}{{/each}}',
    '{{#each layers as |x|}}{{#if this.x}}{{/if}}{{/each}}',
    '{{#each layers}}{{#if ../../port}}{{/if}}{{/each}}',
    '{{log port}}',
    '{{#if (log port)}}{{/if}}',
  ])('%s uses what nobody declares', async (text) => {
    expect(await failuresOf(() => render(`a\n${text}`))).toMatchObject([
      { code: 'unknown-variable', place: { line: 2 } },
    ]);
  });

  test.each([
    ['{{#each port}}{{/each}}', 'no list'],
    ['{{#each layers}}{{#if port}}{{/if}}{{/each}}', 'a part of the item'],
    ['{{#each layers}}{{port}}{{/each}}', 'a part of the item'],
    ['{{#with hostname}}{{#unless port}}{{/unless}}{{/with}}', 'a part of the item'],
    ['{{#port}}{{port}}{{/port}}', 'a part of the item'],
    ['{{#*inline "x"}}{{/inline}}', 'partial'],
    ['{{#> x}}{{/x}}', 'partial'],
  ])('%s is a failure that says why', async (text, words) => {
    const [failure] = await failuresOf(() => render(`a\n${text}`));
    expect(failure).toMatchObject({ code: 'bad-template', place: { line: 2 } });
    expect(failure?.message).toContain(words);
  });

  test('bytes that are not UTF-8 are a failure with their line', async () => {
    const [failure] = await failuresOf(() => decodeTemplate(Buffer.from('ü\ncaf\xe9\nx', 'latin1'), '/l/x.hbs'));
    expect(failure).toMatchObject({
      code: 'bad-template',
      message: expect.stringContaining('UTF-8'),
      place: { line: 1 },
    });
    const second = Buffer.concat([Buffer.from('ü\ncaf'), Buffer.from([0xe9])]);
    expect(await failuresOf(() => decodeTemplate(second, '/l/x.hbs'))).toMatchObject([{ place: { line: 2 } }]);
    expect(decodeTemplate(Buffer.from('ü\n中'), '/l/x.hbs')).toBe('ü\n中');
  });

  test.each([
    ['{{port', 1],
    ['x\n{{#if port}}\n{{/each}}', 2],
    ['\n\n{{> header}}', 3],
    ['{{lookup layers 9}}', 1],
    ['\n{{lookup port}}', 2],
    ['{{if port}}', undefined],
    ['{{#each}}{{/each}}', undefined],
  ])('%j is a failure with its line', async (text, line) => {
    const [failure] = await failuresOf(() => render(text));
    expect(failure).toMatchObject({ code: 'bad-template', place: { file: '/l/etc/x.hbs' } });
    expect(failure?.place?.line).toBe(line);
  });
});
