/** A form as it stands on a page, with what a browser would send for it. */
export interface HtmlForm {
  /** As written; resolve it against the page. */
  readonly action: string;
  readonly method: 'GET' | 'POST';
  /** Values of inputs by name, without buttons. */
  readonly fields: Readonly<Record<string, string>>;
  readonly buttons: readonly { readonly name: string; readonly value: string }[];
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

export const decodeEntities = (text: string): string =>
  text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|([a-z]+));/gi, (whole, decimal, hex, name) => {
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    return entities[String(name).toLowerCase()] ?? whole;
  });

const attributesOf = (tag: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...tag.matchAll(/\s([a-z][a-z0-9-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/gi)].map(
      ([, name = '', double, single, bare]) => [
        name.toLowerCase(),
        decodeEntities(double ?? single ?? bare ?? ''),
      ],
    ),
  );

/** The forms of a page, top to bottom. Reads the plain HTML of server-rendered pages, no more. */
export const parseForms = (html: string): readonly HtmlForm[] =>
  [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, tag = '', content = '']) => {
    const { action = '', method = 'get' } = attributesOf(` ${tag}`);
    const tags = [...content.matchAll(/<(input|button)\b([^>]*)>/gi)].map(
      ([, element = '', attributes = '']) => ({
        element: element.toLowerCase(),
        attributes: attributesOf(` ${attributes}`),
      }),
    );
    const isButton = ({ element, attributes }: (typeof tags)[number]): boolean =>
      element === 'button' || attributes.type === 'submit';
    const named = tags.filter(({ attributes }) => (attributes.name ?? '') !== '');
    return {
      action,
      method: method.toUpperCase() === 'POST' ? 'POST' : 'GET',
      fields: Object.fromEntries(
        named
          .filter((tag) => !isButton(tag))
          .map(({ attributes }) => [attributes.name ?? '', attributes.value ?? '']),
      ),
      buttons: named
        .filter(isButton)
        .map(({ attributes }) => ({ name: attributes.name ?? '', value: attributes.value ?? '' })),
    };
  });

/** What the page says in its heading, for messages about a page that was not expected. */
export const headingOf = (html: string): string =>
  decodeEntities(/<(h1|title)\b[^>]*>([\s\S]*?)<\/\1>/i.exec(html)?.[2] ?? '')
    .replace(/<[^>]*>/g, '')
    .trim();
