/** A map of limited size: when it is full, setting a new key evicts the one that was set or read least recently. */
export type RecentMap<Value extends object> = {
  get: (key: string) => Value | undefined;
  set: (key: string, value: Value) => void;
  delete: (key: string) => void;
};

export const createRecentMap = <Value extends object>(maxEntries: number): RecentMap<Value> => {
  // A Map iterates in the order of insertion.
  const entries = new Map<string, Value>();
  const set = (key: string, value: Value): void => {
    entries.delete(key);
    entries.set(key, value);
    for (const oldest of entries.keys()) {
      if (entries.size <= maxEntries) break;
      entries.delete(oldest);
    }
  };
  return {
    get: (key) => {
      const value = entries.get(key);
      if (value) set(key, value);
      return value;
    },
    set,
    delete: (key) => void entries.delete(key),
  };
};
