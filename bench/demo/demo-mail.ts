import { setTimeout as delay } from 'node:timers/promises';
import { decodeEntities } from './html-forms.ts';
import { exchange } from './http-exchange.ts';

export interface DemoMail {
  readonly link: string;
  readonly code?: string;
}

export interface WantedMail {
  readonly to: string;
  /** Part of its link. */
  readonly link: string;
}

const longestMs = 10_000;
const pauseMs = 100;

/**
 * The newest such mail on the page that shows the mails of a demo tenant. They are written after the answer to who asks for
 * them, so it may take a moment. Rejects when there is none after ten seconds.
 */
export const demoMail = async (issuer: string, { to, link }: WantedMail): Promise<DemoMail> => {
  const url = new URL(`${issuer}/demo-mail`);
  for (const startedAt = Date.now(); Date.now() - startedAt < longestMs; await delay(pauseMs)) {
    const { text } = await exchange(url);
    const found = [...text.matchAll(/<article class="mail">([\s\S]*?)<\/article>/g)]
      .map(([, mail = '']) => decodeEntities(mail))
      .filter((mail) => mail.includes(to))
      .map((mail) => ({ link: linkIn(mail, link), code: /^ {4}(\d{8})$/m.exec(mail)?.[1] }))
      .find((mail) => mail.link !== undefined);
    if (found?.link !== undefined)
      return { link: found.link, ...(found.code === undefined ? {} : { code: found.code }) };
  }
  throw new Error(`no mail to ${to} with a link to ${link} at ${url.pathname}`);
};

const linkIn = (mail: string, part: string): string | undefined =>
  (mail.match(/^https?:\S+$/gm) ?? []).find((link) => link.includes(part));
