/** JSON text with line breaks and indentation. The numbers keep every digit, which parsing would round. */
export const prettyJson = (text: string): string => {
  let out = '';
  let depth = 0;
  let index = 0;
  const breakLine = (): string => `\n${'  '.repeat(depth)}`;
  while (index < text.length) {
    const char = text[index] as string;
    if (char === '"') {
      const end = endOfString(text, index);
      out += text.slice(index, end);
      index = end;
      continue;
    }
    index += 1;
    if (char === '{' || char === '[') {
      const next = skipBlanks(text, index);
      if (text[next] === '}' || text[next] === ']') {
        out += char + text[next];
        index = next + 1;
        continue;
      }
      depth += 1;
      out += char + breakLine();
    } else if (char === '}' || char === ']') {
      depth -= 1;
      out += breakLine() + char;
    } else if (char === ',') {
      out += char + breakLine();
    } else if (char === ':') {
      out += ': ';
    } else if (!/\s/.test(char)) {
      out += char;
    }
  }
  return out;
};

const skipBlanks = (text: string, from: number): number => {
  let index = from;
  while (/\s/.test(text[index] ?? '')) index += 1;
  return index;
};

/** The index after the closing quote. @param from the index of the opening quote */
const endOfString = (text: string, from: number): number => {
  for (let index = from + 1; index < text.length; index += 1) {
    if (text[index] === '\\') index += 1;
    else if (text[index] === '"') return index + 1;
  }
  return text.length;
};
