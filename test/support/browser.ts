/** A browser as far as sign-in needs one: cookies by path, redirects one by one, forms. No JavaScript. */
export interface Page {
  readonly status: number;
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
  /** Absolute target of a redirect. */
  readonly location: string | undefined;
}

export interface Form {
  readonly action: string;
  readonly method: string;
  readonly fields: Readonly<Record<string, string>>;
  /** What a person can fill in or press: the name of an input, `name=value` of a button. */
  readonly controls: ReadonlySet<string>;
}

export interface Browser {
  get(url: string): Promise<Page>;
  post(url: string, fields: Readonly<Record<string, string>>): Promise<Page>;
  /** Follows redirects until a page, or until a URL that `stop` accepts (which is not fetched). */
  follow(page: Page, stop?: (url: string) => boolean): Promise<Page>;
  /**
   * Fills in and sends a form of the page; a button is pressed by its name and value. A form that has something to say
   * to that is shown again by a redirect, which is followed.
   * @throws Error when the form has no such field or button: it is another page than the test expects
   */
  submit(page: Page, fields?: Readonly<Record<string, string>>, formIndex?: number): Promise<Page>;
  cookies(): readonly Cookie[];
}

export interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly attributes: string;
}

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#39': "'",
  '#x27': "'",
};

export const unescapeHtml = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#39|#x27);/g, (whole, name: string) => entities[name] ?? whole);

const attribute = (tag: string, name: string): string | undefined => {
  const value = new RegExp(`\\s${name}=(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, 'i').exec(tag);
  return value === null ? undefined : unescapeHtml(value[1] ?? value[2] ?? value[3] ?? '');
};

/** Without those that only a script shows. */
export const formsOf = (page: Page): readonly Form[] =>
  [...page.body.matchAll(/<form\b((?:"[^"]*"|[^>"])*)>([\s\S]*?)<\/form>/gi)]
    .filter(([, head = '']) => !/\shidden\s*$/.test(head))
    .map(([, head = '', inner = '']) => ({
      action: new URL(attribute(` ${head}`, 'action') ?? page.url, page.url).href,
      method: (attribute(` ${head}`, 'method') ?? 'get').toLowerCase(),
      fields: Object.fromEntries([
        ...[...inner.matchAll(/<input\b[^>]*>/gi)]
          .map(([tag]) => [attribute(tag, 'name'), attribute(tag, 'value') ?? ''] as const)
          .filter((pair): pair is readonly [string, string] => pair[0] !== undefined),
        ...selectsIn(inner),
      ]),
      controls: new Set([
        ...selectsIn(inner).map(([name]) => name),
        ...[...inner.matchAll(/<input\b[^>]*>/gi)].map(([tag]) => attribute(tag, 'name') ?? ''),
        ...[...inner.matchAll(/<button\b[^>]*>/gi)].map(
          ([tag]) => `${attribute(tag, 'name')}=${attribute(tag, 'value') ?? ''}`,
        ),
      ]),
    }));

/** Name and chosen value of each select. */
const selectsIn = (form: string): readonly (readonly [string, string])[] =>
  [...form.matchAll(/(<select\b[^>]*>)([\s\S]*?)<\/select>/gi)].map(([, tag = '', options = '']) => {
    const chosen = /<option\b[^>]*\sselected[^>]*>/i.exec(options) ?? /<option\b[^>]*>/i.exec(options);
    return [attribute(tag, 'name') ?? '', attribute(chosen?.[0] ?? '', 'value') ?? ''];
  });

/** Can these be filled in and pressed in one form of the page? */
export const hasForm = (page: Page, fields: Readonly<Record<string, string>>): boolean =>
  formsOf(page).some((form) => missingIn(form, fields).length === 0);

const missingIn = ({ controls }: Form, fields: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(fields)
    .filter(([name, value]) => !controls.has(name) && !controls.has(`${name}=${value}`))
    .map(([name]) => name);

/**
 * @param headers sent with every request, such as a language
 * @param fetchPage another function that reaches hosts
 */
export const createBrowser = (
  headers: Readonly<Record<string, string>> = {},
  fetchPage: typeof fetch = fetch,
): Browser => {
  const jar = new Map<string, Cookie>();

  const keep = (response: Response, url: string): void => {
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...rest] = line.split(';');
      const attributes = rest.join(';');
      const at = pair.indexOf('=');
      const path =
        /path=([^;]+)/i.exec(attributes)?.[1]?.trim() ?? new URL(url).pathname.replace(/\/[^/]*$/, '') ?? '/';
      const cookie = { name: pair.slice(0, at), value: pair.slice(at + 1), path, attributes };
      const expires = /expires=([^;]+)/i.exec(attributes)?.[1];
      const isGone =
        /max-age=0/i.test(attributes) || (expires !== undefined && Date.parse(expires) <= Date.now());
      const domain = /domain=\.?([^;\s]+)/i.exec(attributes)?.[1];
      const { hostname } = new URL(url);
      // a host may speak for the domains above it only
      if (domain !== undefined && hostname !== domain && !hostname.endsWith(`.${domain}`)) continue;
      const key = `${domain === undefined ? hostname : `.${domain}`} ${cookie.name} ${path}`;
      if (isGone) jar.delete(key);
      else jar.set(key, cookie);
    }
  };

  const cookieHeader = (url: string): string => {
    const { hostname, pathname } = new URL(url);
    return [...jar]
      .filter(([key, { path }]) => isOf(hostname, key.split(' ')[0] ?? '') && isBelow(pathname, path))
      .map(([, { name, value }]) => `${name}=${value}`)
      .join('; ');
  };

  const request = async (url: string, init: RequestInit): Promise<Page> => {
    const cookie = cookieHeader(url);
    const response = await fetchPage(url, {
      ...init,
      redirect: 'manual',
      headers: {
        accept: 'text/html',
        ...headers,
        ...(cookie === '' ? {} : { cookie }),
        ...(init.headers as object),
      },
    });
    keep(response, url);
    const location = response.headers.get('location');
    return {
      status: response.status,
      url,
      headers: response.headers,
      body: await response.text(),
      location: location === null ? undefined : new URL(location, url).href,
    };
  };

  const browser: Browser = {
    get: (url) => request(url, {}),
    post: (url, fields) =>
      request(url, {
        method: 'POST',
        body: new URLSearchParams(fields),
        headers: { 'sec-fetch-site': 'same-origin' },
      }),
    follow: async (page, stop = () => false) => {
      let current = page;
      for (let hops = 0; current.location !== undefined; hops += 1) {
        if (hops > 20) throw new Error(`redirects without end, last to ${current.location}`);
        if (stop(current.location)) return current;
        current = await browser.get(current.location);
      }
      return current;
    },
    submit: async (page, fields = {}, formIndex = 0) => {
      const form = formsOf(page)[formIndex];
      if (form === undefined)
        throw new Error(`no form on the page ${page.url} (${page.status}): ${page.body.slice(0, 500)}`);
      const missing = missingIn(form, fields);
      if (missing.length > 0)
        throw new Error(`no ${missing.join(', ')} on the page ${page.url} (${page.status}): ${page.body}`);
      const answer = await browser.post(form.action, { ...form.fields, ...fields });
      return isFormAgain(answer) ? browser.get(answer.location) : answer;
    },
    cookies: () => [...jar.values()],
  };
  return browser;
};

/** The answer of a form that shows what was wrong: a redirect to the page of the form. */
const isFormAgain = (answer: Page): answer is Page & { readonly location: string } =>
  answer.status === 303 && answer.location?.includes('notice=yes') === true;

const isOf = (hostname: string, owner: string): boolean =>
  hostname === owner || (owner.startsWith('.') && `.${hostname}`.endsWith(owner));

const isBelow = (pathname: string, path: string): boolean =>
  pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
