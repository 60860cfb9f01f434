import { parseLinks } from '@boomerang/core/domain/link-header.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import LinkHeader from 'http-link-header';

describe('a Link header', () => {
  test.each<[string, ReturnType<typeof parseLinks>]>([
    ['', []],
    [' , ,', []],
    ['</a>', [{ target: '/a', relations: [] }]],
    ['</a>; rel=next', [{ target: '/a', relations: ['next'] }]],
    ['</a>;rel="next last"', [{ target: '/a', relations: ['next', 'last'] }]],
    ['</a>; REL="NeXT\tprev"', [{ target: '/a', relations: ['next', 'prev'] }]],
    ['</a>; rel = "next" ; title = "x"', [{ target: '/a', relations: ['next'] }]],
    ['</a>; rel=prev; rel=next', [{ target: '/a', relations: ['prev'] }]],
    ['</a>; rel', [{ target: '/a', relations: [] }]],
    ['</a>; crossorigin; rel=next', [{ target: '/a', relations: ['next'] }]],
    ['</a>;; rel=next;', [{ target: '/a', relations: ['next'] }]],
    ['</a>; title=a"b"; rel=next', undefined],
    ['</a>; title="a, </b>; rel=next"', [{ target: '/a', relations: [] }]],
    ['</a>; title="\\"; rel=next', undefined],
    ['</a>; title="\\\\"; rel=next', [{ target: '/a', relations: ['next'] }]],
    ['</a>; rel="ne\\xt"', [{ target: '/a', relations: ['next'] }]],
    ['</a>; rel=next; anchor="/b"', [{ target: '/a', relations: ['next'], anchor: '/b' }]],
    ['</a,b;c>; rel=next', [{ target: '/a,b;c', relations: ['next'] }]],
    [
      '</a>, , </b>; rel=next,',
      [
        { target: '/a', relations: [] },
        { target: '/b', relations: ['next'] },
      ],
    ],
    ['</a>; __proto__=x; constructor="y"; rel=next', [{ target: '/a', relations: ['next'] }]],
    ['</a>; uri=/b; rel=next', [{ target: '/a', relations: ['next'] }]],
    ['</a', undefined],
    ['/a; rel=next', undefined],
    ['</a> rel=next', undefined],
    ['</a></b>; rel=next', undefined],
    ['x, </a>; rel=next', undefined],
  ])('%j is parsed as %j', (field, links) => {
    expect(parseLinks(field)).toEqual(links);
  });

  const target = fc.webUrl({ withQueryParameters: true });
  const token = fc.stringMatching(/^[a-z][a-z.-]{0,8}$/);
  const text = fc.stringMatching(/^[ !#-[\]-~]{0,12}$/);
  const links = fc.array(
    fc.record({ target, relations: fc.array(token, { minLength: 1, maxLength: 3 }), title: fc.option(text) }),
    { minLength: 1, maxLength: 5 },
  );

  test('is parsed as http-link-header parses it, if well-formed', () => {
    fc.assert(
      fc.property(links, fc.constantFrom(', ', ','), (all, comma) => {
        const field = all
          .map((link) => {
            const title = link.title === null ? '' : `; title="${link.title}"`;
            return `<${link.target}>${title}; rel="${link.relations.join(' ')}"`;
          })
          .join(comma);
        const expected = LinkHeader.parse(field).refs.map(({ uri, rel }) => [uri, rel]);
        const read = parseLinks(field)?.flatMap((link) => link.relations.map((relation) => [link.target, relation]));
        expect(read).toEqual(expected);
      }),
    );
  });

  test('of any form is parsed or rejected, without an exception', () => {
    const piece = fc.constantFrom('<', '>', ';', ',', '"', '\\', '=', ' ', 'rel', 'next', '</a>', 'é');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const read = parseLinks(pieces.join(''));
        expect(read === undefined || Array.isArray(read)).toBe(true);
      }),
    );
  });
});
