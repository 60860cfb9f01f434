import {
  isAllowedAddress,
  isExceptedHost,
  judgeHost,
  parseAddressExceptions,
} from '@boomerang/core/domain/address-rules.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

const NONE = parseAddressExceptions('none');
const isAllowed = (address: string, allow = 'none') => isAllowedAddress(address, parseAddressExceptions(allow));
/** The verdict on a host as written in a URL. */
const judge = (host: string, allow = 'none') =>
  judgeHost(new URL(`http://${host}/`).hostname, parseAddressExceptions(allow));

// The ranges again, independent of the implementation and computed without ipaddr.js.
const FORBIDDEN_V4 =
  `0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
  192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4`.split(/\s+/);
const FORBIDDEN_V6 =
  `::/8 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20 5f00::/16 fc00::/7 fe80::/10
  fec0::/10 ff00::/8`.split(/\s+/);

type Range = { cidr: string; first: bigint; last: bigint };
const V4 = { bits: 32n, last: 2n ** 32n - 1n };
const V6 = { bits: 128n, last: 2n ** 128n - 1n };

const join = (parts: number[], bitsEach: bigint) => parts.reduce((sum, part) => (sum << bitsEach) | BigInt(part), 0n);
const readV4 = (text: string) => join(text.split('.').map(Number), 8n);
const readV6 = (text: string) => {
  const [head = [], tail = []] = text.split('::').map((half) => half.split(':').filter((part) => part !== ''));
  const zeros = Array(8 - head.length - tail.length).fill('0');
  return join(
    [...head, ...zeros, ...tail].map((part) => Number.parseInt(part, 16)),
    16n,
  );
};
const parts = (value: bigint, count: number, bitsEach: bigint) =>
  Array.from(
    { length: count },
    (_, index) => (value >> (BigInt(count - 1 - index) * bitsEach)) & (2n ** bitsEach - 1n),
  );
const writeV4 = (value: bigint) => parts(value, 4, 8n).join('.');
const writeV6 = (value: bigint) =>
  parts(value, 8, 16n)
    .map((part) => part.toString(16))
    .join(':');

const toRange = (cidr: string, bits: bigint, read: (text: string) => bigint): Range => {
  const [base = '', prefixBits = ''] = cidr.split('/');
  const first = read(base);
  return { cidr, first, last: first + 2n ** (bits - BigInt(prefixBits)) - 1n };
};
const rangesV4 = FORBIDDEN_V4.map((cidr) => toRange(cidr, V4.bits, readV4));
const rangesV6 = FORBIDDEN_V6.map((cidr) => toRange(cidr, V6.bits, readV6));
const NAT64 = toRange('64:ff9b::/96', V6.bits, readV6);

const isIn = (value: bigint, { first, last }: Range) => value >= first && value <= last;
const isPublicV4 = (value: bigint) => !rangesV4.some((range) => isIn(value, range));
const isPublicV6 = (value: bigint) =>
  isIn(value, NAT64) ? isPublicV4(value - NAT64.first) : !rangesV6.some((range) => isIn(value, range));

const families = [
  { name: 'v4', ...V4, ranges: rangesV4, write: writeV4, isPublic: isPublicV4 },
  { name: 'v6', ...V6, ranges: rangesV6, write: writeV6, isPublic: isPublicV6 },
];
const forbiddenRanges = families.flatMap((family) =>
  family.ranges.map((range) => ({ ...family, ...range, end: family.last })),
);

const within = ({ first, last }: { first: bigint; last: bigint }) => fc.bigInt({ min: first, max: last });
const nat64Of = (v4: bigint) => NAT64.first + v4;
const inForbiddenV4 = fc.constantFrom(...rangesV4).chain(within);
const anyPublicV4 = fc.bigInt({ min: 0n, max: V4.last }).filter(isPublicV4);

describe('a forbidden range', () => {
  test.each(forbiddenRanges)('$cidr is refused from its first to its last address', ({ first, last, write }) => {
    const isRefused = (value: bigint) => !isAllowed(write(value)) || isIn(value, NAT64);
    expect([isAllowed(write(first)), isAllowed(write(last))]).toEqual([false, false]);
    fc.assert(fc.property(within({ first, last }), isRefused));
  });

  test.each(forbiddenRanges)('$cidr includes no neighbouring address', ({ first, last, end, write, isPublic }) => {
    for (const value of [first - 1n, last + 1n].filter((neighbour) => neighbour >= 0n && neighbour <= end)) {
      expect([write(value), isAllowed(write(value))]).toEqual([write(value), isPublic(value)]);
    }
  });
});

describe('addresses', () => {
  test.each(families)('of $name are allowed only outside the forbidden ranges', ({ last, write, isPublic }) => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: last }), (value) => isAllowed(write(value)) === isPublic(value)),
      { numRuns: 2_000 },
    );
  });

  test('of v6 get the same verdict in every spelling', () => {
    const value = fc.oneof(
      fc.constantFrom(...rangesV6, NAT64).chain(within),
      fc.bigInt({ min: readV6('2000::'), max: readV6('4000::') }),
    );
    fc.assert(
      fc.property(value, (address) => {
        const text = writeV6(address);
        const dottedText = `${text.split(':').slice(0, 6).join(':')}:${writeV4(address & V4.last)}`;
        const verdict = isPublicV6(address) ? 'allowed' : 'forbidden_address';
        expect([judge(`[${text}]`), judge(`[${text.toUpperCase()}]`), judge(`[${dottedText}]`)]).toEqual(
          Array(3).fill(verdict),
        );
        const resolvedAddresses = [text, dottedText, `${text}%eth0`, new URL(`http://[${text}]`).hostname.slice(1, -1)];
        expect(resolvedAddresses.map((spelling) => isAllowed(spelling))).toEqual(Array(4).fill(verdict === 'allowed'));
      }),
    );
  });

  test.each([
    '64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff',
    '64:ff9b::1:808:808',
    '64:ff9b:0:1::808:808',
    '64:ff9b:1::808:808',
  ])('outside the NAT64 prefix, like %s, are refused', (address) => expect(isAllowed(address)).toBe(false));

  test.each([
    '',
    'example.com',
    '[::1]',
    '[2606:4700::1]',
    '8.8.8.8%eth0',
    '8.8.8.256',
    '8.8.8.8/32',
    '1::2::3',
    ':::',
    ' ',
  ])('that do not parse, like %j, are refused', (text) => expect(isAllowed(text)).toBe(false));
});

const fullwidth = (text: string) => text.replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit)));
const circled = (text: string) => text.replace(/[1-9]/g, (digit) => String.fromCharCode(0x245f + Number(digit)));

/** Spellings of a v4 address that URL parsers accept. */
const spellings: Record<string, (value: bigint) => string> = {
  dotted: writeV4,
  'with a trailing dot': (value) => `${writeV4(value)}.`,
  'as one decimal number': String,
  'as one hex number': (value) => `0x${value.toString(16)}`,
  'as one octal number': (value) => `0${value.toString(8)}`,
  'in octal parts': (value) => octets(value, (part) => `0${part.toString(8)}`),
  'in octal parts with many zeros': (value) => octets(value, (part) => `0000${part.toString(8)}`),
  'in hex parts': (value) => octets(value, (part) => `0X${part.toString(16).toUpperCase()}`),
  'in mixed parts': (value) =>
    octets(value, (part, index) => [`${part}`, `0${part.toString(8)}`, `0x${part.toString(16)}`][index % 3] ?? ''),
  'in two parts': (value) => `${value >> 24n}.${value & 0xffffffn}`,
  'in three parts': (value) => `${value >> 24n}.0x${((value >> 16n) & 0xffn).toString(16)}.${value & 0xffffn}`,
  'in fullwidth digits': (value) => fullwidth(writeV4(value)),
  'in circled digits': (value) => circled(writeV4(value)),
  'with ideographic full stops': (value) => writeV4(value).replaceAll('.', '。'),
  'with encoded dots': (value) => writeV4(value).replaceAll('.', '%2E'),
  'with encoded digits': (value) => writeV4(value).replace(/\d/g, (digit) => `%3${digit}`),
  'in NAT64, in hex': (value) => `[${writeV6(nat64Of(value))}]`,
  'in NAT64, dotted': (value) => `[64:FF9B::${writeV4(value)}]`,
};
const octets = (value: bigint, write: (part: bigint, index: number) => string) =>
  parts(value, 4, 8n).map(write).join('.');

/** v6 addresses that embed a v4 address. They are refused, even if the v4 address is allowed. */
const embeddings: Record<string, (value: bigint) => string> = {
  'mapped, in hex': (value) => `[${writeV6((0xffffn << 32n) | value)}]`,
  'mapped, dotted': (value) => `[::ffff:${writeV4(value)}]`,
  'IPv4-compatible': (value) => `[::${writeV4(value)}]`,
  'translated (SIIT)': (value) => `[::ffff:0:${writeV4(value)}]`,
  '6to4': (value) => `[${writeV6((0x2002n << 112n) | (value << 80n) | 1n)}]`,
  'Teredo, as its server': (value) => `[${writeV6((0x20010000n << 96n) | (value << 64n))}]`,
  'Teredo, as its client': (value) => `[${writeV6((0x20010000n << 96n) | (value ^ V4.last))}]`,
  'local NAT64': (value) => `[64:ff9b:1::${writeV4(value)}]`,
};

describe('a v4 address', () => {
  test.each(Object.entries(spellings))('%s has the verdict of its dotted form', (_spelling, spell) => {
    fc.assert(fc.property(inForbiddenV4, (value) => judge(spell(value)) === 'forbidden_address'));
    fc.assert(fc.property(anyPublicV4, (value) => judge(spell(value)) === 'allowed'));
    for (const v4 of ['93.184.215.14', '8.8.8.8']) expect(judge(spell(readV4(v4)))).toBe('allowed');
    for (const v4 of ['127.0.0.1', '169.254.169.254']) expect(judge(spell(readV4(v4)))).toBe('forbidden_address');
  });

  test.each(Object.entries(embeddings))('%s in v6 is always refused', (_spelling, spell) => {
    fc.assert(
      fc.property(fc.oneof(inForbiddenV4, anyPublicV4), (value) => judge(spell(value)) === 'forbidden_address'),
    );
    expect(judge(spell(readV4('8.8.8.8')), '8.8.8.8, 0.0.0.0/0')).toBe('forbidden_address');
  });
});

test('a v4 address with two trailing dots is refused as invalid', () => {
  for (const text of ['8.8.8.8..', '8.8.8.8...', '0x8080808..']) expect(judge(text)).not.toBe('allowed');
  fc.assert(fc.property(anyPublicV4, (value) => judge(`${writeV4(value)}..`) === 'empty_label'));
  fc.assert(fc.property(inForbiddenV4, (value) => judge(`${writeV4(value)}..`) === 'forbidden_address'));
});

test('bracketed text that is not an address is refused', () => {
  expect(judgeHost('[v1.example.com]', NONE)).toBe('forbidden_address');
});

describe('a host name', () => {
  test.each([
    'localhost',
    'LOCALHOST.',
    'localhost..',
    '.localhost',
    'api.localhost',
    'localhost.localdomain',
    'printer.local',
    'metadata.google.internal',
    'ip-10-0-0-1.ec2.internal.',
    'nas.home.arpa',
    'home.arpa',
    'router.lan',
    'wiki.intranet',
    'mail.corp',
    'tv.home',
    'db.private',
    'intranet',
    'com',
    'ｌｏｃａｌｈｏｓｔ',
    '%6cocalhost',
  ])('of a local network, like %s, is refused', (host) => expect(judge(host)).toBe('local_name'));

  test.each([
    'example.com',
    'EXAMPLE.com.',
    'local.example.com',
    'localhost.example.com',
    'notlocalhost.com',
    'my-local.net',
    'thehome.arpa',
    'arpa.example',
    '10.0.0.1.nip.io',
    'xn--bcher-kva.example',
  ])('like %s is allowed', (host) => expect(judge(host)).toBe('allowed'));
});

describe('an invalid host name', () => {
  const label = 'a'.repeat(63);
  const longest = `${`${label}.`.repeat(3)}${'a'.repeat(57)}.com`;

  test.each([
    ['a..example.com', 'empty_label'],
    ['.example.com', 'empty_label'],
    ['example.com..', 'empty_label'],
    ['a。。b.com', 'empty_label'],
    ['%2eexample.com', 'empty_label'],
    [`a${label}.com`, 'long_label'],
    [`${'ü'.repeat(60)}.com`, 'long_label'],
    [`a.${longest}`, 'long_name'],
    ['a*b.example.com', 'bad_character'],
    ['*.example.com', 'bad_character'],
    ['a$b.com', 'bad_character'],
    ["a'b.com", 'bad_character'],
    ['a,b.com', 'bad_character'],
    ['a~b.com', 'bad_character'],
    ['a{b.com', 'bad_character'],
  ])('like %s, is refused: %s', (host, verdict) => {
    expect(judge(host)).toBe(verdict);
  });

  test('is refused despite an exception', () => {
    expect(judge('hooks.corp..', 'hooks.corp')).toBe('empty_label');
    expect(judge(`a${label}.corp..`, 'hooks.corp')).toBe('local_name');
  });

  test.each([
    `${label}.com`,
    longest,
    `${longest}.`,
    'my_service.example.com',
    '_acme.example.com',
    'r3---sn-a.example.com',
    'bücher.example',
    '例え.テスト',
    '💩.example',
  ])('is not %s', (host) => expect(judge(host)).toBe('allowed'));
});

describe('exceptions', () => {
  test.each(['none', ' none ', 'NONE', 'None', '\tnOnE\n', '', ' '])('of %j are empty', (text) => {
    expect(parseAddressExceptions(text)).toEqual({ networks: [], hosts: new Set() });
  });

  test.each([
    '10.0.0.0/33',
    '10.0.0.0/',
    '10/8',
    '10.0.0',
    '010.0.0.0/8',
    '0x7f000001',
    '127.1',
    '256.0.0.1',
    '::/129',
    '[::1]',
    'fe80::1%eth0',
    'fe80::%1/10',
    '*.example.com',
    'https://example.com',
    'example.com:80',
    'example.com/8',
    'a..b',
    '.',
    'bücher.example',
    '10.0.0.0/8 192.168.0.0/16',
    'example..com',
    'example.com..',
    '.example.com',
    `${'a'.repeat(64)}.example.com`,
    `${'a.'.repeat(125)}example`,
    '10.0.0.1:80',
    '[fd00::1]:80',
    '[fd00::]/8',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0-10.0.0.9',
    '"none"',
    'example.com;example.org',
    '1.2.3.4.5',
    'example.0x1',
    '*',
  ])('are rejected with the invalid entry named: %s', (entry) => {
    expect(() => parseAddressExceptions(`127.0.0.0/8, ${entry}`)).toThrow(
      new RangeError(`"${entry}" is not a network, address or host name`),
    );
  });

  test.each(['none', 'NONE', 'None.', 'null', 'false', 'off', 'any', 'undefined'])(
    'reject the word %s beside other entries',
    (word) => {
      for (const text of [`${word},10.0.0.1`, `10.0.0.1 , ${word}`, `${word},${word}`]) {
        expect(() => parseAddressExceptions(text)).toThrow(
          new RangeError(`"${word}" is not a host name; for no exceptions, use "none" alone`),
        );
      }
    },
  );

  test('may repeat an entry', () => {
    expect(parseAddressExceptions('receiver,RECEIVER, receiver.').hosts).toEqual(new Set(['receiver']));
    expect(isAllowed('10.0.0.1', '10.0.0.1,10.0.0.1')).toBe(true);
  });

  test.each(['example.com,', ',example.com', 'example.com,,example.org', ',', 'none,', ' , '])(
    'reject an empty entry: %j',
    (text) => expect(() => parseAddressExceptions(text)).toThrow(RangeError),
  );

  test.each(forbiddenRanges)(
    'for $cidr allow only the addresses of that range',
    ({ cidr, first, last, end, write, isPublic }) => {
      fc.assert(fc.property(within({ first, last }), (value) => isAllowed(write(value), cidr)));
      const rangeAndValue = fc
        .constantFrom(...forbiddenRanges)
        .chain((range) => fc.tuple(fc.constant(range), within(range)));
      fc.assert(
        fc.property(rangeAndValue, ([range, value]) => {
          const isExcepted = range.end === end && isIn(value, { cidr, first, last });
          expect(isAllowed(range.write(value), cidr)).toBe(isExcepted || range.isPublic(value));
        }),
      );
      for (const value of [first - 1n, last + 1n].filter((neighbour) => neighbour >= 0n && neighbour <= end)) {
        expect(isAllowed(write(value), cidr)).toBe(isPublic(value));
      }
    },
  );

  test('for an address allow only that address, and for a network only that network', () => {
    const allow = '10.0.0.7, fd00::7,192.168.1.9/16';
    const addresses = ['10.0.0.7', 'fd00:0::0007', '192.168.200.1', '10.0.0.6', '10.0.0.8', 'fd00::6', 'fd00::8'];
    expect(addresses.map((address) => isAllowed(address, allow))).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  test('for v4 do not allow v6 addresses that embed it, but exceptions for v6 do', () => {
    for (const address of ['::ffff:10.0.0.1', '::ffff:a00:1', '::10.0.0.1', '64:ff9b::10.0.0.1', '64:ff9b::a00:1']) {
      expect(isAllowed(address, '10.0.0.0/8')).toBe(false);
    }
    expect(isAllowed('::ffff:10.0.0.1', '::ffff:10.0.0.0/104')).toBe(true);
    expect(isAllowed('64:ff9b::10.0.0.1', '64:ff9b::/96')).toBe(true);
    expect(isAllowed('10.0.0.1', '::/0')).toBe(false);
  });

  test('for the loopback network allow localhost', () => {
    for (const host of ['localhost', 'LOCALHOST.', 'api.localhost', '127.0.0.1', '0x7f.1']) {
      expect(judge(host, '127.0.0.0/8')).toBe('allowed');
    }
    expect(judge('localhost', '127.0.0.2, ::1')).toBe('local_name');
    expect(judge('[::1]', '127.0.0.0/8')).toBe('forbidden_address');
    expect(judge('printer.local', '127.0.0.0/8, ::1')).toBe('local_name');
  });

  test('for a name allow only that name, ignoring case and a trailing dot', () => {
    const allow = 'Receiver, hooks.Corp., my_service.internal';
    const exceptions = parseAddressExceptions(allow);
    for (const host of ['receiver', 'RECEIVER.', 'hooks.corp', 'Hooks.corp.', 'my_service.internal']) {
      expect([judge(host, allow), isExceptedHost(host, exceptions)]).toEqual(['allowed', true]);
    }
    for (const host of ['corp', 'a.hooks.corp', 'hooks', 'xhooks.corp', 'internal']) {
      expect([judge(host, allow), isExceptedHost(host, exceptions)]).toEqual(['local_name', false]);
    }
    expect(isExceptedHost('a.receiver', exceptions)).toBe(false);
    expect(isExceptedHost('receiver', NONE)).toBe(false);
    expect(isAllowed('127.0.0.1', allow)).toBe(false);
  });
});
