/** A queue of events ordered by time, then by insertion: a binary heap. */
export const createTimeline = <Event>() => {
  const heap: { at: number; order: number; event: Event }[] = [];
  let order = 0;
  const isBefore = (a: number, b: number): boolean => {
    const [x, y] = [heap[a], heap[b]];
    return x !== undefined && y !== undefined && (x.at < y.at || (x.at === y.at && x.order < y.order));
  };
  const swap = (a: number, b: number): void => {
    const [x, y] = [heap[a], heap[b]];
    if (x && y) [heap[a], heap[b]] = [y, x];
  };
  return {
    add: (at: number, event: Event): void => {
      order += 1;
      heap.push({ at, order, event });
      let child = heap.length - 1;
      while (child > 0) {
        const parent = (child - 1) >> 1;
        if (!isBefore(child, parent)) return;
        swap(child, parent);
        child = parent;
      }
    },
    next: (): { at: number; event: Event } | undefined => {
      const [first] = heap;
      const last = heap.pop();
      if (heap.length > 0 && last) {
        heap[0] = last;
        let parent = 0;
        for (;;) {
          const [left, right] = [2 * parent + 1, 2 * parent + 2];
          const child = isBefore(right, left) ? right : left;
          if (!isBefore(child, parent)) break;
          swap(child, parent);
          parent = child;
        }
      }
      return first;
    },
  };
};
