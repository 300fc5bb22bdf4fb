// What a form shows after it was sent. The answer to the POST is a redirect to the form (post, redirect, get), so that
// Back and reload work and nothing is sent twice. What to show is in a sealed cookie of that form for ten minutes.
import type { Context } from 'koa';
import { readCookie, setCookie } from './cookies.ts';

/** Encrypts, and opens what it has encrypted for the same purpose. */
export interface NoticeBox {
  seal(text: string, purpose: string): string;
  /** Undefined when it was not sealed here for this purpose. */
  open(sealed: string, purpose: string): string | undefined;
}

/** A form, and the absolute URL at which a GET shows it; that URL's path must be the form's own. */
export interface FormPlace {
  readonly ctx: Context;
  readonly url: string;
}

export interface FormNotices {
  /** Redirects to the form, which then shows the notice. */
  show(place: FormPlace, notice: object): void;
  /** The same for a caller that redirects. @returns the URL */
  leave(place: FormPlace, notice: object): string;
  /** What the last answer had to show, unchecked but ours. */
  last<T extends object>(place: FormPlace): LastNotice<T> | undefined;
}

export interface LastNotice<T> {
  readonly notice: Partial<T>;
  /** Has the browser come here by that redirect? A person who goes back sees the form without the problem. */
  readonly isNew: boolean;
}

const maxAgeSeconds = 600;
/** A longer one would be dropped by browsers. */
const longest = 3800;

export const createFormNotices = (box: NoticeBox): FormNotices => {
  const leave: FormNotices['leave'] = ({ ctx, url }, notice) => {
    const { pathname, protocol } = new URL(url);
    const value = box.seal(JSON.stringify(notice), pathname);
    const isSecure = protocol === 'https:';
    setCookie(ctx, {
      name: nameOf(isSecure),
      value: value.length <= longest ? value : '',
      path: pathname,
      maxAgeSeconds,
      isSecure,
    });
    const target = new URL(url);
    target.searchParams.set('notice', 'yes');
    return target.href;
  };

  return {
    leave,
    show: (place, notice) => {
      const url = leave(place, notice);
      // RFC 9700 section 4.12: with 303 the browser does not send the form on
      place.ctx.status = 303;
      place.ctx.redirect(url);
    },
    last: <T extends object>({ ctx, url }: FormPlace) => {
      const { pathname, protocol } = new URL(url);
      const sealed = readCookie(ctx, nameOf(protocol === 'https:'));
      const text = sealed === undefined ? undefined : box.open(sealed, pathname);
      if (text === undefined) return undefined;
      return { notice: JSON.parse(text) as Partial<T>, isNew: ctx.query.notice !== undefined }; // sealed above
    },
  };
};

const nameOf = (isSecure: boolean): string => `${isSecure ? '__Secure-' : ''}drawbridge.notice`;
