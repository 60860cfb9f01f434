/** Copies a value deeply. `convert` returns the replacement of a part, or undefined to copy it. */
export const mapValues = (value: unknown, convert: (part: object) => unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  const converted = convert(value);
  if (converted !== undefined) return converted;
  if (Array.isArray(value)) return value.map((part) => mapValues(part, convert));
  const copy = Object.fromEntries(Object.entries(value).map(([key, part]) => [key, mapValues(part, convert)]));
  // A dictionary without a prototype has to stay one.
  return Object.getPrototypeOf(value) === null ? Object.assign(Object.create(null), copy) : copy;
};
