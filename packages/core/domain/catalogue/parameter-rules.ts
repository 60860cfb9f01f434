import type { CatalogueFault } from './fault.ts';
import { type ParameterSchema, pathParametersOf, valueFaults } from './parameters.ts';
import type { ParametersSchema, Provider } from './provider-schema.ts';

type Keyword = keyof ParameterSchema;

const FOR_STRINGS = ['pattern', 'format', 'minLength', 'maxLength'] as const satisfies Keyword[];
const FOR_NUMBERS = [
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
] as const satisfies Keyword[];

/** Faults in the declaration of parameters, with paths relative to the provider. */
export const parameterRuleFaults = (provider: Pick<Provider, 'parameters' | 'url' | 'polling'>): CatalogueFault[] => {
  const { parameters } = provider;
  if (!parameters) return [];
  const inPath = pathParametersOf(provider);
  return [
    ...requiredFaults(parameters),
    ...wireNameFaults(parameters),
    ...Object.entries(parameters.properties).flatMap(([name, schema]) =>
      schemaFaults(schema, inPath.has(name)).map(({ path, message }) => ({
        path: ['parameters', 'properties', name, ...path],
        message,
      })),
    ),
  ];
};

const requiredFaults = ({ required = [], properties }: ParametersSchema): CatalogueFault[] =>
  required.flatMap((name, index) => {
    const path = ['parameters', 'required', index];
    if (!Object.hasOwn(properties, name)) return [{ path, message: 'Must be one of the properties' }];
    return required.indexOf(name) < index ? [{ path, message: 'Must be listed once' }] : [];
  });

/** Query names that several parameters share. */
export const wireNameFaults = ({ properties }: ParametersSchema): CatalogueFault[] => {
  const names = Object.entries(properties).map(([name, { as }]) => as ?? name);
  return Object.entries(properties).flatMap(([name, { as }]) =>
    as !== undefined && names.indexOf(as) !== names.lastIndexOf(as)
      ? [{ path: ['parameters', 'properties', name, 'as'], message: "Must not be another parameter's name" }]
      : [],
  );
};

const schemaFaults = (schema: ParameterSchema, isInPath: boolean): CatalogueFault[] => {
  const isNumeric = schema.type === 'integer' || schema.type === 'number';
  const misplaced = [
    ...(schema.type === 'string' ? [] : FOR_STRINGS.map((keyword) => [keyword, '"type": "string"'] as const)),
    ...(isNumeric ? [] : FOR_NUMBERS.map((keyword) => [keyword, '"type": "integer" or "number"'] as const)),
  ]
    .filter(([keyword]) => schema[keyword] !== undefined)
    .map(([keyword, type]) => ({ path: [keyword], message: `Must come with ${type}` }));
  const broken = [...misplaced, ...patternFaults(schema)];
  return [...broken, ...boundFaults(schema), ...(broken.length > 0 ? [] : ownValueFaults(schema, isInPath))];
};

const patternFaults = ({ pattern }: ParameterSchema): CatalogueFault[] => {
  try {
    if (pattern !== undefined) new RegExp(pattern, 'u');
    return [];
  } catch {
    return [{ path: ['pattern'], message: 'Must be a regular expression (ECMA-262, with the flag u)' }];
  }
};

/** Finds bounds that allow no value. */
const boundFaults = ({ minLength = 0, maxLength, ...schema }: ParameterSchema): CatalogueFault[] => {
  const lowest = lowestOf(schema);
  const highest = highestOf(schema);
  const isEmpty = lowest.value > highest.value || (lowest.value === highest.value && (lowest.isOpen || highest.isOpen));
  return [
    ...(maxLength !== undefined && minLength > maxLength
      ? [{ path: ['minLength'], message: 'Must not be greater than maxLength' }]
      : []),
    ...(isEmpty
      ? [{ path: [lowest.keyword], message: `Must allow at least one value together with ${highest.keyword}` }]
      : []),
  ];
};

type Bounds = Omit<ParameterSchema, 'minLength' | 'maxLength'>;
/** @property isOpen whether the value itself is out of range */
type Bound = { value: number; isOpen: boolean; keyword: Keyword };

/** The lower bound: of `minimum` and `exclusiveMinimum`, the stricter; for integers, the first integer in range. */
const lowestOf = ({ type, minimum = -Infinity, exclusiveMinimum = -Infinity }: Bounds): Bound => {
  const isOpen = exclusiveMinimum >= minimum && exclusiveMinimum !== -Infinity;
  const keyword = isOpen ? 'exclusiveMinimum' : 'minimum';
  if (type !== 'integer') return { value: isOpen ? exclusiveMinimum : minimum, isOpen, keyword };
  return { value: isOpen ? Math.floor(exclusiveMinimum) + 1 : Math.ceil(minimum), isOpen: false, keyword };
};

/** The upper bound: of `maximum` and `exclusiveMaximum`, the stricter; for integers, the last integer in range. */
const highestOf = ({ type, maximum = Infinity, exclusiveMaximum = Infinity }: Bounds): Bound => {
  const isOpen = exclusiveMaximum <= maximum && exclusiveMaximum !== Infinity;
  const keyword = isOpen ? 'exclusiveMaximum' : 'maximum';
  if (type !== 'integer') return { value: isOpen ? exclusiveMaximum : maximum, isOpen, keyword };
  return { value: isOpen ? Math.ceil(exclusiveMaximum) - 1 : Math.floor(maximum), isOpen: false, keyword };
};

type PathAndValue = [path: CatalogueFault['path'], value: unknown];

/** The values of a keyword that lists them, each with its path. */
const listed = (keyword: Keyword, values: readonly unknown[] = []): PathAndValue[] =>
  values.map((value, index) => [[keyword, index], value]);

/** `enum`, `const`, `default` and `examples` must satisfy the rest of their schema. */
const ownValueFaults = (schema: ParameterSchema, isInPath: boolean): CatalogueFault[] => {
  const single = (['const', 'default'] as const).flatMap((keyword): PathAndValue[] =>
    schema[keyword] === undefined ? [] : [[[keyword], schema[keyword]]],
  );
  const values = [...listed('enum', schema.enum), ...listed('examples', schema.examples), ...single];
  return values.flatMap(([path, value]) => valueFaults(schema, value, isInPath).map((message) => ({ path, message })));
};
