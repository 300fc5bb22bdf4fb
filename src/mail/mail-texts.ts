import { join } from 'node:path';
import { Eta } from 'eta';
import type { Clock } from '../clock.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { definedOnly } from '../defined-only.ts';
import { readableOn } from '../web/brand-color.ts';
import { openTexts, type TextsOfLocales } from '../web/texts.ts';
import type { MailContent } from './mail-content.ts';
import { logoContentId, mailLogo } from './mail-logo.ts';

export interface MailText {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export type WriteMailText = (
  content: MailContent,
  tenant: Pick<TenantDefinition, 'displayName' | 'branding' | 'mail'>,
) => MailText;

export interface MailTextsParts {
  /** The folder `views`. */
  readonly viewsDirectory: string;
  readonly clock: Clock;
  /** Default: those of the folder. */
  readonly texts?: TextsOfLocales;
}

/** Reads templates and texts once. Both forms of a mail say the same. */
export const openMailTexts = ({ viewsDirectory, clock, ...options }: MailTextsParts): WriteMailText => {
  const views = join(viewsDirectory, 'mail');
  const html = new Eta({ views, autoEscape: true, cache: true, autoTrim: [false, 'nl'] });
  const plain = new Eta({ views, autoEscape: false, cache: true, autoTrim: [false, 'nl'] });
  const textsOf = options.texts ?? openTexts(join(viewsDirectory, 'locales'), clock);
  return (content, { displayName, branding, mail }) => {
    const { kind, locale, link, code, linkSeconds, codeSeconds, momentMs } = content;
    const texts = textsOf[locale];
    const moment = momentMs === undefined ? {} : { moment: texts.moment(momentMs) };
    const values = { ...content.values, ...moment, tenant: displayName };
    const textOf = (part: string): string | undefined =>
      texts.has(`mail.${kind}.${part}`) ? texts.t(`mail.${kind}.${part}`, values) : undefined;
    const validFor = (key: string, seconds: number | undefined): string | undefined =>
      seconds === undefined ? undefined : texts.t(`mail.${key}`, { duration: texts.duration(seconds) });
    const model = {
      locale,
      displayName,
      color: branding.color,
      onColor: readableOn(branding.color),
      logoContentId: mailLogo(branding) === undefined ? undefined : logoContentId,
      ...definedOnly({
        link,
        code,
        title: textOf('title'),
        lead: textOf('lead'),
        button: textOf('button'),
        codeLead: textOf('code'),
        note: textOf('note'),
        linkValid: validFor('linkValid', linkSeconds),
        codeValid: validFor('codeValid', codeSeconds),
      }),
      foot:
        mail?.replyTo === undefined
          ? texts.t('mail.foot', { tenant: displayName })
          : texts.t('mail.footReplyTo', { tenant: displayName, replyTo: mail.replyTo }),
      ...(branding.support === undefined
        ? {}
        : { support: texts.t('mail.support', { support: branding.support }) }),
    };
    return {
      subject: textOf('subject') ?? displayName,
      text: plain.render('text', model).trim(),
      html: html.render('html', model),
    };
  };
};
