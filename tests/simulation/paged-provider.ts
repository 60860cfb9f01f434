import type { ProviderInput } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import type { Random } from '@boomerang/core/domain/random.ts';

/** A provider that answers with a list in pages. It knows nothing of transport: it only says what is on which page. */

export const PAGED = 'bills';
export const MAX_PAGES = 5;
export const PAGINATION: NonNullable<ProviderInput['pagination']> = {
  kind: 'cursor',
  cursorAt: '/next',
  parameter: 'cursor',
  itemsAt: '/items',
  maxPages: MAX_PAGES,
};
const ITEMS_A_PAGE = 2;

/** How one page may break the pagination. */
export type PageFault = 'loops' | 'lacks items';

/** What an item says of itself: whose it is, in which walk it was given, and its place in the list. */
export type Item = { of: string; walk: number; index: number };

/** One request for the first page, and those for the pages behind it: it sees the list as it was at its beginning. */
type Walk = {
  of: string;
  number: number;
  items: Item[];
  end: 'plain' | 'empty page' | 'empty page that repeats';
  fault?: PageFault;
};

/** A page as JSON text. @property list the whole list as JSON text; present with the last page of a walk without faults */
export type Page = { json: string; list?: string };

const ENDS: Walk['end'][] = ['plain', 'plain', 'empty page', 'empty page that repeats'];

export const createPagedProvider = (random: Random) => {
  const walks: Walk[] = [];
  /** How many items each job's list has by now: it grows from walk to walk. */
  const lengths = new Map<string, number>();

  const beginWalk = (of: string): Walk => {
    const isLong = random() < 0.1;
    const before = lengths.get(of) ?? Math.floor(random() * 7) + (isLong ? MAX_PAGES * ITEMS_A_PAGE : 0);
    const length = before + (lengths.has(of) ? Math.floor(random() * 3) : 0);
    lengths.set(of, length);
    const number = walks.length;
    const filling = random() < 0.1 ? { filling: 'x'.repeat(5_000) } : {};
    const items = Array.from({ length }, (_, index) => ({ of, walk: number, index, ...filling }));
    const walk: Walk = { of, number, items, end: ENDS[Math.floor(random() * ENDS.length)] ?? 'plain' };
    walks.push(walk);
    return walk;
  };

  return {
    /**
     * @param of whose list is asked for
     * @param cursor of the page; absent: the first one, which begins a walk
     * @param fault how the page breaks the pagination; one that loops does so to the end of its walk
     * @returns undefined for a cursor that the provider has not given for this list
     */
    page: (of: string, cursor?: string, fault?: PageFault): Page | undefined => {
      const [walkNumber, place] = cursor?.split('.').map(Number) ?? [];
      const walk = walkNumber === undefined ? beginWalk(of) : walks[walkNumber];
      if (walk?.of !== of) return undefined;
      const number = place ?? 1;
      const last = Math.max(1, Math.ceil(walk.items.length / ITEMS_A_PAGE)) + (walk.end === 'plain' ? 0 : 1);
      const items = walk.items.slice((number - 1) * ITEMS_A_PAGE, number * ITEMS_A_PAGE);
      // An empty page that points at itself is how some providers end a list.
      if (fault === 'lacks items' || (fault === 'loops' && items.length > 0)) walk.fault ??= fault;
      const isRepeating = walk.fault === 'loops' || (number === last && walk.end === 'empty page that repeats');
      const following = isRepeating ? number : number < last ? number + 1 : undefined;
      const next = following === undefined ? undefined : `${walk.number}.${following}`;
      const json = JSON.stringify(fault === 'lacks items' ? { next } : { items, next });
      return { json, ...(number === last && !walk.fault && { list: JSON.stringify(walk.items) }) };
    },
  };
};
