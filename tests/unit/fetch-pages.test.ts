import { gzipSync } from 'node:zlib';
import { createNodeHttp } from '@boomerang/core/adapters/node-http.ts';
import type { ProviderInput } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { HttpFailure } from '@boomerang/core/ports/http.ts';
import { afterEach, describe, expect, test } from '@jest/globals';
import { LimitReached } from '../../functions/provider-fetch/limit-calls.ts';
import { NOW } from '../builders.ts';
import {
  createBreakerSpy,
  type FetchSetting,
  fetchFrom,
  type Respond,
  startServer,
  type TestResponse,
} from '../fetching.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

type PagedSetting = Omit<FetchSetting, 'provider'> & { provider?: Partial<ProviderInput>; path?: string };

/** Fetches all pages from a server. */
const fetchAll = async (
  pagination: NonNullable<ProviderInput['pagination']>,
  respond: Respond,
  { provider = {}, path = '/bills', ...setting }: PagedSetting = {},
) => {
  const server = await startServer(respond);
  stops.push(server.stop);
  const result = await fetchFrom({ provider: { url: `${server.url}${path}`, pagination, ...provider }, ...setting });
  return { ...result, server, urls: server.requests.map(({ url }) => url) };
};

const cursor = { kind: 'cursor', cursorAt: '/next', parameter: 'cursor', itemsAt: '/items' } as const;
const lastItem = { kind: 'cursor', lastItemAt: '', parameter: 'after', itemsAt: '/items' } as const;
const link = { kind: 'link', itemsAt: '' } as const;
const nextUrl = { kind: 'next-url', nextUrlAt: '/next', itemsAt: '/items' } as const;
const page = { kind: 'page', parameter: 'page', itemsAt: '/items' } as const;
const offset = { kind: 'offset', parameter: 'offset', pageSize: 2, itemsAt: '/items' } as const;

const ITEMS = [1, 2, 3, 4, 5];
/** A server with five items, two a page, for each kind of pagination. */
const servers: Record<string, Respond> = {
  cursor: ({ query }) => {
    const at = Number(query.get('cursor') ?? 0);
    return { body: { items: ITEMS.slice(at, at + 2), next: at + 2 < ITEMS.length ? `${at + 2}` : null } };
  },
  'last-item': ({ query }) => {
    const at = ITEMS.indexOf(Number(query.get('after'))) + 1;
    return { body: { items: ITEMS.slice(at, at + 2) } };
  },
  link: ({ query }) => {
    const at = Number(query.get('at') ?? 0);
    const headers = at + 2 < ITEMS.length ? { link: `</bills?at=${at + 2}>; rel="next"` } : {};
    return { headers, body: ITEMS.slice(at, at + 2) };
  },
  'next-url': ({ query }) => {
    const at = Number(query.get('at') ?? 0);
    return { body: { items: ITEMS.slice(at, at + 2), ...(at + 2 < ITEMS.length && { next: `?at=${at + 2}` }) } };
  },
  page: ({ query }) => {
    const at = (Number(query.get('page')) - 1) * 2;
    return { body: { items: ITEMS.slice(at, at + 2) } };
  },
  offset: ({ query }) => {
    const at = Number(query.get('offset'));
    return { body: { items: ITEMS.slice(at, at + 2) } };
  },
};
const paginations = [cursor, lastItem, link, nextUrl, page, offset];
const nameOfKind = (pagination: (typeof paginations)[number]) =>
  'lastItemAt' in pagination ? 'last-item' : pagination.kind;

describe.each(paginations.map((pagination) => [nameOfKind(pagination), pagination] as const))(
  'pages of kind %s',
  (name, pagination) => {
    const respond = servers[name] as Respond;

    test('become one array', async () => {
      const { json, log, fetched, server } = await fetchAll(pagination, respond);
      expect(json).toBe('[1,2,3,4,5]');
      expect(fetched?.statusCode).toBe(200);
      expect(log.lines).toMatchObject([{ message: 'Provider fetched', data: { pages: server.requests.length } }]);
    });

    test('are fetched over one connection', async () => {
      const { server } = await fetchAll(pagination, respond);
      expect(server.requests.length).toBeGreaterThan(2);
      expect(server.connections()).toBe(1);
    });

    test('are refused, not truncated, when there are more than maxPages', async () => {
      const { name, failure, json } = await fetchAll({ ...pagination, maxPages: 2 }, respond);
      expect([name, failure.class, failure.excerpt]).toEqual([
        'ProviderRefused',
        'too_many_pages',
        'more than 2 pages',
      ]);
      expect(json).toBeUndefined();
    });

    test('may be as many as maxPages', async () => {
      expect((await fetchAll({ ...pagination, maxPages: 3 }, respond)).json).toBe('[1,2,3,4,5]');
    });

    test('each pass through the circuit breaker and the limits', async () => {
      const breaker = createBreakerSpy();
      let limitedCalls = 0;
      const limitCalls = async <T>(_party: unknown, call: () => Promise<T>) => {
        limitedCalls += 1;
        return call();
      };
      const { server } = await fetchAll(pagination, respond, { deps: { breaker, limitCalls } });
      expect(breaker.verdicts).toEqual(server.requests.map(() => 'succeeded'));
      expect(limitedCalls).toBe(server.requests.length);
    });

    test('all fail if one page fails, with its verdict', async () => {
      let calls = 0;
      const { name, failure, json } = await fetchAll(pagination, (request) => {
        calls += 1;
        return calls === 2 ? { status: 500, body: 'broken' } : respond(request);
      });
      expect([name, failure.class, failure.statusCode]).toEqual(['ProviderUnavailable', 'bad_status', 500]);
      expect(json).toBeUndefined();
    });

    test('are an empty array if the first page is empty', async () => {
      const body = pagination.itemsAt === '' ? [] : { items: [] };
      expect((await fetchAll(pagination, () => ({ body }))).json).toBe('[]');
    });

    test('without an array at itemsAt fail as a bad page', async () => {
      for (const body of [{}, { items: {} }, 'null', { items: null }, [[1]], 7]) {
        const { name, failure } = await fetchAll({ ...pagination, itemsAt: '/items' }, () => ({
          headers: { 'content-type': 'application/json' },
          body: typeof body === 'string' ? body : JSON.stringify(body),
        }));
        expect([name, failure.class]).toEqual(['ProviderUnavailable', 'bad_page']);
        expect(failure.excerpt).toContain('page 1: no array at "/items"');
      }
    });

    test('that are not JSON fail as a bad body', async () => {
      const { failure } = await fetchAll(pagination, () => ({ headers: { 'content-type': 'text/html' }, body: '<p>' }));
      expect(failure.class).toBe('bad_body');
    });

    test('are each requested with the credential', async () => {
      const auth = { header: 'authorization', prefix: 'Bearer ', secret: 'key' };
      const { server } = await fetchAll(pagination, respond, { provider: { auth } });
      for (const { headers } of server.requests) expect(headers.authorization).toBe('Bearer s3cret-value');
    });

    test('are each requested with the query credential once', async () => {
      const auth = { kind: 'query', parameter: 'api_key', secret: 'key' } as const;
      const { server, json } = await fetchAll(pagination, respond, { provider: { auth }, secret: 'a&b=c d' });
      expect(json).toBe('[1,2,3,4,5]');
      for (const { url } of server.requests)
        expect(new URL(url, server.url).searchParams.getAll('api_key')).toEqual(['a&b=c d']);
    });
  },
);

test('pages keep each item as written, with every digit', async () => {
  const arrays = ['[ 12345678901234567890.10 ,{"a" : 1.0}]', '[]', ' [ "]," , [1 , 2]\n]'];
  const { json } = await fetchAll({ ...cursor, cursorAt: '/next' }, ({ query }) => {
    const at = Number(query.get('cursor') ?? 0);
    const next = at < 2 ? at + 1 : 'null';
    return { headers: { 'content-type': 'application/json' }, body: `{"items":${arrays[at]},"next":${next}}` };
  });
  expect(json).toBe('[12345678901234567890.10 ,{"a" : 1.0},"]," , [1 , 2]]');
});

test('pages are read at dataAt if itemsAt is absent', async () => {
  const { itemsAt: _itemsAt, ...pagination } = cursor;
  const { json } = await fetchAll(pagination, servers.cursor as Respond, { provider: { dataAt: '/items' } });
  expect(json).toBe('[1,2,3,4,5]');
});

test('pages may be gzipped', async () => {
  const { json } = await fetchAll(link, (request) => {
    const { headers = {}, body } = (servers.link as (from: typeof request) => TestResponse)(request);
    const gzipHeaders = { ...headers, 'content-encoding': 'gzip', 'content-type': 'application/json' };
    return { headers: gzipHeaders, body: gzipSync(JSON.stringify(body)) };
  });
  expect(json).toBe('[1,2,3,4,5]');
});

describe('the next page', () => {
  test.each<[string, string]>([
    ['a link with several relations', '</bills?at=2>; rel="prefetch NEXT last"'],
    ['a link after other links', '</bills?at=0>; rel="first", <x>; rel=last , </bills?at=2>; rel=next'],
    [
      'a link among quoted commas',
      '</x>; title="a, </y>; rel=next"; rel=up, </bills?at=2>; title="b;\\"c,"; rel="next"',
    ],
    ['a link after a parameter without a value', '</app.css>; rel=preload; crossorigin, </bills?at=2>; rel="next"'],
    ['a query relative to the page', '<?at=2>; rel=next'],
    ['a path relative to the page', '<bills?at=2>; rel=next'],
    [
      'the link whose anchor is this page',
      '</bills?at=4>; rel=next; anchor="/other", </bills?at=2>; rel=next; anchor="#top"',
    ],
    ['a link after a title in a charset', `</b>; title*=UTF-8''%E2%82%AC; rel=up, </bills?at=2>; rel=next`],
  ])('is found in a Link header with %s', async (_case, field) => {
    const { json, urls } = await fetchAll(link, ({ query }) =>
      query.has('at') ? { body: [2] } : { headers: { link: field }, body: [1] },
    );
    expect(json).toBe('[1,2]');
    expect(urls[1]).toBe('/bills?at=2');
  });

  test.each([
    ['UTF-8', Buffer.from('/bills/ü€').toString('latin1'), '/bills/%C3%BC%E2%82%AC'],
    ['Latin-1', '/bills/ü', '/bills/%C3%BC'],
  ])('is found in a Link header encoded in %s', async (_encoding, target, requestedUrl) => {
    const { json, urls } = await fetchAll(link, ({ url }) =>
      url === '/bills' ? { headers: { link: `<${target}>; rel=next` }, body: [1] } : { body: [2] },
    );
    expect([json, urls[1]]).toEqual(['[1,2]', requestedUrl]);
  });

  test('is found in the second of two Link headers', async () => {
    const { json } = await fetchAll(link, ({ query }) =>
      query.has('at')
        ? { body: [2] }
        : { headers: { link: ['</a>; rel=first', '</bills?at=2>; rel=next'] }, body: [1] },
    );
    expect(json).toBe('[1,2]');
  });

  test('resolves relative to the current page', async () => {
    const { urls } = await fetchAll(
      nextUrl,
      ({ path }) => ({
        body: { items: [1], next: { '/v1/bills': 'pages/2', '/v1/pages/2': '3' }[path] ?? '' },
      }),
      { path: '/v1/bills' },
    );
    expect(urls).toEqual(['/v1/bills', '/v1/pages/2', '/v1/pages/3']);
  });

  test.each([
    ['null', null],
    ['an empty string', ''],
    ['absent', undefined],
    ['false', false],
  ])('ends the pages if it is %s', async (_case, next) => {
    for (const pagination of [cursor, nextUrl]) {
      expect((await fetchAll(pagination, () => ({ body: { items: [1], next } }))).json).toBe('[1]');
    }
  });

  test.each([[{}], [[]], [true]])('fails as a bad page if it is %j', async (next) => {
    for (const pagination of [cursor, nextUrl]) {
      const { failure } = await fetchAll(pagination, () => ({ body: { items: [1], next } }));
      expect(failure.class).toBe('bad_page');
    }
  });

  test('is requested with every digit of the cursor', async () => {
    const { urls } = await fetchAll(cursor, ({ query }) => ({
      headers: { 'content-type': 'application/json' },
      body: query.has('cursor') ? '{"items":[]}' : '{"items":[1],"next":12345678901234567890}',
    }));
    expect(urls).toEqual(['/bills', '/bills?cursor=12345678901234567890']);
  });

  test('is requested with the new cursor in place of the previous one, and the rest of the query', async () => {
    let calls = 0;
    const { urls } = await fetchAll(
      cursor,
      () => {
        calls += 1;
        return { body: { items: [calls], next: calls < 3 ? `a&b=${calls}/+ %` : null } };
      },
      { path: '/bills?size=2&cursor=old&q=a%2fb+c' },
    );
    expect(urls).toEqual([
      '/bills?size=2&cursor=old&q=a%2fb+c',
      '/bills?size=2&cursor=a%26b%3D1%2F%2B%20%25&q=a%2fb+c',
      '/bills?size=2&cursor=a%26b%3D2%2F%2B%20%25&q=a%2fb+c',
    ]);
  });

  test('is requested with every digit and escape of the last item', async () => {
    const pages = ['{"id":1},{"id":12345678901234567890}', '{"id":"a&b#\\u00e9"}', ''];
    let calls = 0;
    const { urls, json } = await fetchAll(
      { ...lastItem, lastItemAt: '/id', itemsAt: '/list/0' },
      () => {
        const items = pages[calls];
        calls += 1;
        return { body: `{"list":[[${items}]]}` };
      },
      { path: '/bills?limit=2' },
    );
    expect(urls).toEqual([
      '/bills?limit=2',
      '/bills?limit=2&after=12345678901234567890',
      '/bills?limit=2&after=a%26b%23%C3%A9',
    ]);
    expect(json).toBe(`[${pages[0]},${pages[1]}]`);
  });

  test('is requested by the last item at dataAt if itemsAt is absent', async () => {
    const { itemsAt: _itemsAt, ...pagination } = lastItem;
    const respond: Respond = ({ query }) => ({ body: { bills: query.has('after') ? [] : [1, 2] } });
    const { urls } = await fetchAll(pagination, respond, { provider: { dataAt: '/bills' } });
    expect(urls).toEqual(['/bills', '/bills?after=2']);
  });

  test.each([[{}], [{ id: null }], [{ id: '' }], [{ id: false }], [{ id: {} }], [{ id: true }], [7], [null]])(
    'fails as a bad page if the last item is %j',
    async (item) => {
      const { failure, json } = await fetchAll({ ...lastItem, lastItemAt: '/id' }, () => ({ body: { items: [item] } }));
      expect([failure.class, json]).toEqual(['bad_page', undefined]);
    },
  );

  test('fails as a bad page if it has the same last item as the previous page', async () => {
    const { failure, urls } = await fetchAll(lastItem, () => ({ body: { items: [1, 2] } }));
    expect([failure.class, urls.length]).toEqual(['bad_page', 2]);
  });

  test('is numbered from firstPage, or by multiples of pageSize', async () => {
    const { urls } = await fetchAll({ ...page, firstPage: 0 }, ({ query }) => ({
      body: { items: query.get('page') === '2' ? [] : [1] },
    }));
    expect(urls).toEqual(['/bills?page=0', '/bills?page=1', '/bills?page=2']);
    const byOffset = await fetchAll({ ...offset, pageSize: 50 }, ({ query }) => ({
      body: { items: query.get('offset') === '100' ? [] : [1] },
    }));
    expect(byOffset.urls).toEqual(['/bills?offset=0', '/bills?offset=50', '/bills?offset=100']);
  });

  test('is not requested if hasMoreAt is false', async () => {
    for (const pagination of [cursor, lastItem, nextUrl, page, offset]) {
      let calls = 0;
      const { json, urls } = await fetchAll({ ...pagination, hasMoreAt: '/more' }, () => {
        calls += 1;
        return { body: { items: [calls], next: `?at=${calls}`, more: calls < 2 } };
      });
      expect(json).toBe('[1,2]');
      expect(urls).toHaveLength(2);
    }
  });

  test('fails as a bad page if hasMoreAt is true but the cursor is absent', async () => {
    const { failure } = await fetchAll({ ...cursor, hasMoreAt: '/more' }, () => ({ body: { items: [1], more: true } }));
    expect(failure).toMatchObject({ class: 'bad_page', excerpt: expect.stringContaining('but no pointer') });
  });

  test.each([['true'], ['false'], [1], [0], [{}], [[]]])(
    'fails as a bad page if hasMoreAt is %j, because another page might exist',
    async (more) => {
      for (const pagination of [cursor, lastItem, nextUrl, page, offset]) {
        const { failure, urls } = await fetchAll({ ...pagination, hasMoreAt: '/more' }, () => ({
          body: { items: [1], more },
        }));
        expect([failure.class, urls.length]).toEqual(['bad_page', 1]);
      }
    },
  );

  test('beyond maxPages is not requested even if hasMoreAt is true', async () => {
    const { failure, urls } = await fetchAll({ ...page, maxPages: 2, hasMoreAt: '/more' }, () => ({
      body: { items: [1], more: true },
    }));
    expect(failure.class).toBe('too_many_pages');
    expect(urls).toHaveLength(2);
  });

  test('is fetched after an empty page with a cursor, since filters may empty a page', async () => {
    for (const pagination of [cursor, nextUrl]) {
      const pages = [
        { items: [1], next: '?p=1' },
        { items: [], next: '?p=2' },
        { items: [], next: '?p=3' },
        { items: [2], next: null },
      ];
      let calls = 0;
      const { json } = await fetchAll(pagination, () => {
        calls += 1;
        return { body: pages[calls - 1] };
      });
      expect(json).toBe('[1,2]');
    }
  });

  test('is not requested if an empty page repeats its cursor, as exhausted feeds do', async () => {
    const { json } = await fetchAll(cursor, ({ query }) => ({
      body: query.has('cursor') ? { items: [], next: 'end' } : { items: [1], next: 'end' },
    }));
    expect(json).toBe('[1]');
  });

  test('ends the pages if the catalogue declares its status to be empty', async () => {
    const responses = { '404': 'empty' } as const;
    const respond: Respond = ({ query }) =>
      query.get('page') === '3' ? { status: 404, body: 'no such page' } : { body: { items: [1] } };
    expect((await fetchAll(page, respond, { provider: { responses } })).json).toBe('[1,1]');
    expect((await fetchAll(page, () => ({ status: 404 }), { provider: { responses } })).json).toBe('null');
  });
});

describe('broken pagination', () => {
  const cases: [string, Parameters<typeof fetchAll>[0], Respond][] = [
    ['a cursor that repeats', cursor, () => ({ body: { items: [1], next: 'same' } })],
    [
      'a cursor that repeats, as a number and as text',
      cursor,
      ({ query }) => ({ body: { items: [1], next: query.has('cursor') ? '7' : 7 } }),
    ],
    [
      'cursors that cycle',
      cursor,
      ({ query }) => ({ body: { items: [1], next: { a: 'b', b: 'c', c: 'a' }[query.get('cursor') ?? ''] ?? 'a' } }),
    ],
    ['a link to itself', link, () => ({ headers: { link: '</bills>; rel=next' }, body: [1] })],
    ['a link to itself with a fragment', link, () => ({ headers: { link: '<#more>; rel=next' }, body: [1] })],
    [
      'links that cycle',
      link,
      ({ query }) => ({ headers: { link: `<?at=${query.get('at') === '1' ? 2 : 1}>; rel=next` }, body: [1] }),
    ],
    ['an empty link', link, () => ({ headers: { link: '<>; rel=next' }, body: [1] })],
    ['a URL that repeats', nextUrl, () => ({ body: { items: [1], next: '/bills?at=1' } })],
    ['an invalid URL', nextUrl, () => ({ body: { items: [1], next: 'http://[' } })],
    ['a Link header that is malformed', link, () => ({ headers: { link: '</a; rel=next' }, body: [1] })],
  ];
  test.each(cases)('with %s fails as a bad page', async (_case, pagination, respond) => {
    const { name, failure, json, urls } = await fetchAll(pagination, respond);
    expect([name, failure.class]).toEqual(['ProviderUnavailable', 'bad_page']);
    expect(json).toBeUndefined();
    expect(urls.length).toBeLessThan(6);
  });

  test.each([
    'http://localhost/bills',
    'https://127.0.0.1/bills',
    '//evil.example/bills',
    '\\\\evil.example/bills',
    '/\\evil.example/bills',
    'http://127.0.0.1:1/bills',
    'javascript:alert(1)',
    'data:application/json,[]',
    'file:///etc/passwd',
    'http://127.0.0.1.evil.example/',
  ])('with a next page at %s fails as a bad page, and our credential is not sent there', async (next) => {
    for (const pagination of [link, nextUrl]) {
      const auth = { header: 'x-key', secret: 'key' };
      const { failure, urls } = await fetchAll(
        pagination,
        () => ({ headers: { link: `<${next}>; rel=next` }, body: pagination === link ? [1] : { items: [1], next } }),
        { provider: { auth } },
      );
      expect(failure.class).toBe('bad_page');
      expect(urls).toHaveLength(1);
    }
  });

  test.each(['me:passw0rd', 'passw0rd', ':passw0rd'])(
    'with the user info %s in the URL of the next page fails as a bad page, and the failure does not contain it',
    async (userInfo) => {
      const server = await startServer(({ headers }) => ({
        body: { items: [1], next: `http://${userInfo}@${headers.host}/bills?at=1` },
      }));
      stops.push(server.stop);
      const { failure } = await fetchFrom({ provider: { url: server.url, pagination: nextUrl } });
      expect(failure).toMatchObject({ class: 'bad_page', excerpt: 'page 1: the URL of the next page has user info' });
      expect(server.requests).toHaveLength(1);
    },
  );

  test('counts as a failure for the circuit', async () => {
    const breaker = createBreakerSpy();
    await fetchAll(cursor, () => ({ body: { items: [1], next: {} } }), { deps: { breaker } });
    expect(breaker.verdicts).toEqual([{ class: 'bad_page', statusCode: 200 }]);
  });
});

test('the user info of the URL is sent with each page', async () => {
  const server = await startServer(servers.link as Respond);
  stops.push(server.stop);
  const url = server.url.replace('//', '//me:p%40ss@');
  const { json } = await fetchFrom({ provider: { url: `${url}/bills`, pagination: link } });
  expect(json).toBe('[1,2,3,4,5]');
  const basic = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
  expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([basic, basic, basic]);
});

describe('all pages together', () => {
  const largePages: Respond = ({ query }) => ({
    body: { items: ['x'.repeat(400)], next: Number(query.get('cursor') ?? 0) + 1 },
  });

  test('are limited to maxBytes', async () => {
    const { name, failure, urls } = await fetchAll(cursor, largePages, { provider: { maxBytes: 1_000 } });
    expect([name, failure.class]).toEqual(['ProviderRefused', 'too_large']);
    expect(failure.excerpt).toBe('all pages are larger than 1000 bytes');
    expect(urls).toHaveLength(3);
  });

  test('are limited to maxBytes, measured after decoding to UTF-8', async () => {
    const body = Buffer.from(`["${'\x80'.repeat(1000)}"]`, 'latin1');
    const respond: Respond = ({ query }) => ({
      headers: {
        'content-type': 'application/json; charset=windows-1252',
        ...(!query.has('p') && { link: '<?p=2>; rel="next"' }),
      },
      body,
    });
    const { name, failure, json } = await fetchAll(link, respond, { provider: { maxBytes: 6_000 } });
    expect([name, failure.class, json]).toEqual(['ProviderRefused', 'too_large', undefined]);
    expect(failure.excerpt).toBe('all pages are larger than 6000 bytes');
    expect((await fetchAll(link, respond, { provider: { maxBytes: 6_010 } })).fetched?.bytes).toBe(6_007);
  });

  test('are limited to maxBytes, measured after decompression', async () => {
    const gzippedPages: Respond = (request) => {
      const { body } = largePages(request) as { body: unknown };
      const headers = { 'content-encoding': 'gzip', 'content-type': 'application/json' };
      return { headers, body: gzipSync(JSON.stringify(body)) };
    };
    const { failure } = await fetchAll(cursor, gzippedPages, { provider: { maxBytes: 1_000 } });
    expect(failure.class).toBe('too_large');
  });

  /** A clock that advances with each response. */
  const slowPages = (msPerPage: number) => {
    let now = NOW;
    const respond: Respond = ({ query }) => {
      now += msPerPage;
      return { body: { items: [1], next: Number(query.get('cursor') ?? 0) + 1 } };
    };
    return { now: () => now, respond };
  };

  test('take at most 15 s, since each call times out within the time left', async () => {
    const { now, respond } = slowPages(4_000);
    const timeoutsMs: number[] = [];
    const http = createNodeHttp();
    const breaker = createBreakerSpy();
    const send: typeof http = async (request) => {
      timeoutsMs.push(request.timeoutMs);
      return http(request);
    };
    const { name, failure, countedMetrics } = await fetchAll(cursor, respond, { deps: { now, send, breaker } });
    expect([name, failure.class]).toEqual(['ProviderUnavailable', 'timeout']);
    expect(timeoutsMs).toEqual([10_000, 10_000, 7_000, 3_000]);
    // The provider answered each call.
    expect(breaker.verdicts).toEqual(['succeeded', 'succeeded', 'succeeded', 'succeeded', 'unknown']);
    expect(countedMetrics).toEqual(['ProviderFailures']);
  });

  test('wait for limits only within the time left', async () => {
    const { now, respond } = slowPages(5_500);
    const maxWaitsMs: (number | undefined)[] = [];
    const limitCalls = async <T>(_party: unknown, call: () => Promise<T>, maxWaitMs?: number) => {
      maxWaitsMs.push(maxWaitMs);
      return call();
    };
    await fetchAll(cursor, respond, { deps: { now, limitCalls } });
    expect(maxWaitsMs).toEqual([undefined, 5_000, 3_000]);
  });

  test('fail when a limit is reached before the last page', async () => {
    let calls = 0;
    const limitCalls = async <T>(_party: unknown, call: () => Promise<T>) => {
      calls += 1;
      if (calls === 2) throw new LimitReached();
      return call();
    };
    const { name, failure } = await fetchAll(cursor, servers.cursor as Respond, { deps: { limitCalls } });
    expect([name, failure.class]).toEqual(['ProviderLimitReached', 'limit_reached']);
  });

  test('fail when the lease is too short for another page', async () => {
    const { now, respond } = slowPages(2_000);
    const { name, urls } = await fetchAll(cursor, respond, { deps: { now }, request: { leasedUntil: NOW + 21_000 } });
    expect(name).toBe('LeaseLost');
    expect(urls).toHaveLength(2);
  });

  test('have the sum of their durations and the status of the last page', async () => {
    let calls = 0;
    const send = async () => {
      calls += 1;
      const body = Buffer.from(JSON.stringify({ items: [calls], next: calls < 3 ? calls : null }));
      return { statusCode: 199 + calls, headers: {}, body, durationMs: calls };
    };
    const { fetched } = await fetchAll({ ...cursor }, () => ({}), {
      deps: { send },
      provider: { responses: { '202': 'data' } },
    });
    expect(fetched).toMatchObject({ durationMs: 6, statusCode: 202, json: '[1,2,3]' });
  });
});

describe('a failed page', () => {
  const fetchWithSecondPage = async (secondPage: Respond) =>
    fetchAll(
      cursor,
      (request) => (request.query.has('cursor') ? secondPage(request) : { body: { items: [1], next: 'b' } }),
      { provider: { timeoutMs: 500 } },
    );

  test('with a Retry-After is throttled for that time', async () => {
    const { name, failure } = await fetchWithSecondPage(() => ({ status: 429, headers: { 'retry-after': '7' } }));
    expect([name, failure.retryAfterMs]).toEqual(['ProviderThrottled', 7_000]);
  });

  test('with a truncated body is unavailable', async () => {
    const { name, failure } = await fetchWithSecondPage(() => ({
      headers: { 'content-type': 'application/json', 'content-length': '99' },
      body: '{"items":[',
    }));
    expect(name).toBe('ProviderUnavailable');
    expect(failure.class).toMatch(/connection_broken|timeout/);
  });

  test('that times out has the duration of its own call', async () => {
    const send = async ({ url }: { url: string }) => {
      if (url.includes('cursor')) throw new HttpFailure('timeout', 'TimeoutError', 10_000);
      const body = Buffer.from('{"items":[1],"next":"b"}');
      return { statusCode: 200, headers: {}, body, durationMs: 1 };
    };
    const { name, failure } = await fetchAll(cursor, () => ({}), { deps: { send } });
    expect([name, failure.class, failure.durationMs]).toEqual(['ProviderUnavailable', 'timeout', 10_000]);
  });

  test("with an error in its body has that error's verdict", async () => {
    const { name, failure } = await fetchAll(
      cursor,
      ({ query }) => ({ body: query.has('cursor') ? { error: 'X' } : { items: [1], next: 'b' } }),
      { provider: { bodyErrors: [{ at: '/error', means: 'refused' }] } },
    );
    expect([name, failure.class]).toEqual(['ProviderRefused', 'error_in_body']);
  });
});

test('a POST sends a new idempotency key for each page', async () => {
  const { server, json } = await fetchAll(cursor, servers.cursor as Respond, {
    provider: { method: 'POST', body: { q: 1 }, idempotencyHeader: 'idempotency-key' },
  });
  expect(json).toBe('[1,2,3,4,5]');
  expect(server.requests.map(({ headers, body }) => [headers['idempotency-key'], body])).toEqual([
    ['job:gas:0', '{"q":1}'],
    ['job:gas:0:2', '{"q":1}'],
    ['job:gas:0:3', '{"q":1}'],
  ]);
});

test.each(['<', ',', ' ', ';', '"', '<>', '<>;a', '<a>;rel=next,', '\\', '<a>; rel="next" ', '<a>;b="\\'])(
  'a 60 KB Link header that repeats %j is ignored or fails as a bad page',
  async (part) => {
    const field = `${part.repeat(60_000 / part.length)}x`;
    const { failure, json } = await fetchAll(link, () => ({ headers: { link: field }, body: [1] }));
    expect(json === '[1]' || failure.class === 'bad_page').toBe(true);
  },
);

test('a deployed catalogue with neither cursorAt nor lastItemAt fails instead of delivering only the first page', async () => {
  const { error } = await fetchAll(
    { kind: 'cursor', parameter: 'cursor', itemsAt: '/items' },
    servers.cursor as Respond,
  );
  expect(error).toMatchObject({ name: 'ProviderUnavailable', failure: { class: 'bad_page' } });
});
