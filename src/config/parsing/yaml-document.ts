import { Composer, type CST, type Document, Lexer, type LineCounter, Parser, YAMLParseError } from 'yaml';

// The YAML library recurses when it composes a document, and compares each key with each other key. A hostile file
// could end the process or keep it busy for minutes. Reading token by token recognises such a file in time. Real files
// stay far below all of these limits.
const deepest = 60;
const longestCollection = 5000;
const mostTokensInLine = 5000;
const mostUnusualTokens = 20;

export type ReadDocument =
  | { readonly document: Document.Parsed }
  | { readonly refusal: 'too deep' | 'too long' };

/** One YAML document, without the errors that repeat themselves. */
export const readDocument = (text: string, lineCounter: LineCounter): ReadDocument => {
  lineCounter.addNewLine(0);
  const parser = new Parser(lineCounter.addNewLine);
  const tokens: CST.Token[] = [];
  let unusualTokens = 0;
  let tokensInLine = 0;
  for (const lexeme of new Lexer().lex(text)) {
    tokensInLine = lexeme.endsWith('\n') ? 0 : tokensInLine + 1;
    for (const token of parser.next(lexeme)) {
      tokens.push(token);
      if (token.type === 'error' || token.type === 'directive' || token.type === 'document')
        unusualTokens += 1;
    }
    if (parser.stack.length > deepest) return { refusal: 'too deep' };
    if (tokensInLine > mostTokensInLine || sizeOf(parser.stack.at(-1)) > longestCollection)
      return { refusal: 'too long' };
    if (unusualTokens > mostUnusualTokens) break;
  }
  tokens.push(...parser.end());
  const composer = new Composer({ lineCounter, prettyErrors: false, uniqueKeys: true, stringKeys: true });
  const [document, second] = composer.compose(tokens, true, text.length);
  if (document === undefined)
    throw new Error('the composer gave no document, although it must give one for any text');
  if (second !== undefined)
    document.errors.push(new YAMLParseError([second.range[0], second.range[1]], 'MULTIPLE_DOCS', ''));
  return { document };
};

const sizeOf = (token: CST.Token | undefined): number => {
  if (token === undefined) return 0;
  const { items, start, end } = token as { items?: unknown; start?: unknown; end?: unknown }; // each kind has some of them
  return Math.max(...[items, start, end].map((list) => (Array.isArray(list) ? list.length : 0)));
};
