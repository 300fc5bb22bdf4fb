import type { Agent } from 'node:http';
import { createCookieJar } from './cookie-jar.ts';
import { type HtmlForm, headingOf, parseForms } from './html-forms.ts';
import { type Exchange, type ExchangeOptions, exchange } from './http-exchange.ts';

/** Where the browser is after following all redirects. */
export interface Page extends Exchange {
  readonly url: URL;
  /** The server sent the browser away, to an app: `url` is the app's, and nothing was asked there. */
  readonly isAtApp: boolean;
}

export interface Submission {
  /** Typed into the fields of these names. */
  readonly fields?: Readonly<Record<string, string>>;
  /** The button that is pressed; without one the form is sent as by the Enter key. */
  readonly button?: { readonly name: string; readonly value: string };
}

/** One person's browser: keeps cookies, follows redirects, fills in forms. It runs no scripts. */
export interface Browser {
  open(url: string | URL): Promise<Page>;
  /**
   * Fills in and sends the page's first form that has all these fields and that button.
   * Throws when the page has none.
   */
  submit(page: Page, submission: Submission): Promise<Page>;
  /** The `Cookie` header that it would send there. */
  cookieFor(url: URL): string | undefined;
}

const mostRedirects = 20;

/** @param origin of the server; addresses elsewhere belong to apps */
export const createBrowser = (origin: string, agent?: Agent): Browser => {
  const jar = createCookieJar();

  const visit = async (url: URL, options: ExchangeOptions): Promise<Exchange> => {
    const cookie = jar.headerFor(url);
    const answer = await exchange(url, {
      ...options,
      headers: {
        Accept: 'text/html',
        ...options.headers,
        ...(cookie === undefined ? {} : { Cookie: cookie }),
      },
      ...(agent === undefined ? {} : { agent }),
    });
    jar.store(url, answer.headers['set-cookie'] ?? []);
    return answer;
  };

  const follow = async (first: URL, options: ExchangeOptions): Promise<Page> => {
    let url = first;
    let answer = await visit(url, options);
    for (let hops = 0; answer.headers.location !== undefined; hops += 1) {
      if (hops === mostRedirects)
        throw new Error(`more than ${mostRedirects} redirects, last to ${url.pathname}`);
      url = new URL(answer.headers.location, url);
      if (url.origin !== origin) return { ...answer, url, isAtApp: true };
      answer = await visit(url, {});
    }
    return { ...answer, url, isAtApp: false };
  };

  return {
    cookieFor: (url) => jar.headerFor(url),
    open: (url) => follow(new URL(url), {}),
    submit: (page, submission) => {
      const form = findForm(page, submission);
      const action = new URL(form.action, page.url);
      const { button } = submission;
      const fields = {
        ...form.fields,
        ...submission.fields,
        ...(button === undefined ? {} : { [button.name]: button.value }),
      };
      if (form.method === 'POST')
        return follow(action, { form: fields, headers: { Origin: page.url.origin } });
      action.search = new URLSearchParams(fields).toString();
      return follow(action, {});
    },
  };
};

const findForm = (page: Page, { fields = {}, button }: Submission): HtmlForm => {
  const found = parseForms(page.text).find(
    (form) =>
      Object.keys(fields).every((name) => name in form.fields) &&
      (button === undefined ||
        form.buttons.some(({ name, value }) => name === button.name && value === button.value)),
  );
  if (found !== undefined) return found;
  const wanted = [
    ...Object.keys(fields),
    ...(button === undefined ? [] : [`button ${button.name}=${button.value}`]),
  ].join(', ');
  throw new Error(`expected a form with ${wanted}, saw ${describePage(page)}`);
};

/** For messages: the query is left out, as codes travel there. */
export const describePage = (page: Page): string =>
  page.isAtApp
    ? `the app's address ${page.url.protocol}//${page.url.host}${page.url.pathname}`
    : `${page.status} "${headingOf(page.text)}" at ${page.url.pathname}`;
