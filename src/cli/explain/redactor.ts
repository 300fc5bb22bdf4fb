const longestText = 200;
const deepest = 4;
const mostItems = 1000;
/** Attributes that explain nothing and must not be shown, such as password hashes. */
const secretName =
  /passw|secret|token|credential|unicodepwd|private_?key|krbprincipalkey|nthash|lmhash|ntpassword|authpassword/i;
const jwt = /eyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g;
const mask = '<secret>';

/** Makes a value safe to print: without secrets, tokens and bytes, and bounded in length. JSON stays JSON. */
export type Redactor = (name: string, value: unknown) => unknown;

/**
 * @param attributes of a source: a value with the name of a secret is masked under every other name too
 * @param secrets further texts that must not be shown
 */
export const createRedactor = (
  attributes: Readonly<Record<string, unknown>>,
  secrets: readonly string[] = [],
): Redactor => {
  const hidden = [
    ...secrets,
    ...Object.entries(attributes)
      .filter(([name]) => secretName.test(name))
      .flatMap(([, value]) => (Array.isArray(value) ? value : [value]))
      .filter((value): value is string => typeof value === 'string'),
  ].filter((secret) => secret !== '');

  const show = (value: unknown, depth: number): unknown => {
    if (typeof value === 'string') return showText(value, hidden);
    if (value instanceof Uint8Array) return bytes(value.length);
    if (typeof value !== 'object' || value === null) return value;
    if (depth === 0) return '<more>';
    if (Array.isArray(value)) return value.slice(0, mostItems).map((item) => show(item, depth - 1));
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [
        name,
        secretName.test(name) ? mask : show(inner, depth - 1),
      ]),
    );
  };
  return (name, value) => (secretName.test(name) ? mask : show(value, deepest));
};

const showText = (text: string, hidden: readonly string[]): string => {
  if (isBytes(text)) return bytes(Buffer.byteLength(text));
  const shown = hidden.reduce((left, secret) => left.replaceAll(secret, mask), text).replace(jwt, '<token>');
  return shown.length > longestText ? `${shown.slice(0, longestText)}… (${text.length} characters)` : shown;
};

/** A `data:` URL, a value that was no text when it was read, or a long run of Base64. */
const isBytes = (text: string): boolean =>
  /^data:/i.test(text) ||
  /[\0\uFFFD]/.test(text) ||
  (text.length > longestText && /^[A-Za-z0-9+/_-]+={0,2}$/.test(text));

const bytes = (length: number): string =>
  length < 1024 ? `<${length} bytes>` : `<${Math.round(length / 1024)} KiB of bytes>`;
