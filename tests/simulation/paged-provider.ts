import type { ProviderInput } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import type { Random } from '@boomerang/core/domain/random.ts';

/** A provider that returns a list in pages, without transport. */

export const PAGED = 'bills';
export const MAX_PAGES = 5;
export const PAGINATION: NonNullable<ProviderInput['pagination']> = {
  kind: 'cursor',
  cursorAt: '/next',
  parameter: 'cursor',
  itemsAt: '/items',
  maxPages: MAX_PAGES,
};
const ITEMS_PER_PAGE = 2;

/** How a page may break the pagination. */
export type PageFault = 'loops' | 'lacks items';

/** An item with the id of its job, the walk that returned it, and its index in the list. */
export type Item = { owner: string; walk: number; index: number };

/** A request for the first page and the requests for its following pages, which see the same version of the list. */
type Walk = {
  owner: string;
  number: number;
  items: Item[];
  end: 'plain' | 'empty page' | 'empty page that repeats';
  fault?: PageFault;
};

/** A page as JSON text. */
export type Page = {
  json: string;
  /** The whole list as JSON text; only with the last page of a walk without faults. */
  list?: string;
};

const ENDS: Walk['end'][] = ['plain', 'plain', 'empty page', 'empty page that repeats'];

export const createPagedProvider = (random: Random) => {
  const walks: Walk[] = [];
  /** The current length of each job's list, which grows from walk to walk. */
  const lengths = new Map<string, number>();

  const beginWalk = (owner: string): Walk => {
    const isLong = random() < 0.1;
    const before = lengths.get(owner) ?? Math.floor(random() * 7) + (isLong ? MAX_PAGES * ITEMS_PER_PAGE : 0);
    const length = before + (lengths.has(owner) ? Math.floor(random() * 3) : 0);
    lengths.set(owner, length);
    const number = walks.length;
    const filling = random() < 0.1 ? { filling: 'x'.repeat(5_000) } : {};
    const items = Array.from({ length }, (_, index) => ({ owner, walk: number, index, ...filling }));
    const walk: Walk = { owner, number, items, end: ENDS[Math.floor(random() * ENDS.length)] ?? 'plain' };
    walks.push(walk);
    return walk;
  };

  return {
    /**
     * @param owner the job whose list it is
     * @param cursor the cursor of the page; absent for the first page, which begins a walk
     * @param fault how the page breaks the pagination; `loops` lasts to the end of the walk
     * @returns undefined for a cursor of another list
     */
    page: (owner: string, cursor?: string, fault?: PageFault): Page | undefined => {
      const [walkNumber, pageNumber] = cursor?.split('.').map(Number) ?? [];
      const walk = walkNumber === undefined ? beginWalk(owner) : walks[walkNumber];
      if (walk?.owner !== owner) return undefined;
      const number = pageNumber ?? 1;
      const last = Math.max(1, Math.ceil(walk.items.length / ITEMS_PER_PAGE)) + (walk.end === 'plain' ? 0 : 1);
      const items = walk.items.slice((number - 1) * ITEMS_PER_PAGE, number * ITEMS_PER_PAGE);
      // Some providers end a list with an empty page that points to itself.
      if (fault === 'lacks items' || (fault === 'loops' && items.length > 0)) walk.fault ??= fault;
      const isRepeating = walk.fault === 'loops' || (number === last && walk.end === 'empty page that repeats');
      const hasNext = isRepeating || number < last;
      const next = hasNext ? `${walk.number}.${isRepeating ? number : number + 1}` : undefined;
      const json = JSON.stringify(fault === 'lacks items' ? { next } : { items, next });
      return { json, ...(number === last && !walk.fault && { list: JSON.stringify(walk.items) }) };
    },
  };
};
