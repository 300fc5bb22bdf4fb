import type { Context } from 'koa';
import { definedOnly } from '../defined-only.ts';
import type { Pages } from '../web/pages.ts';
import { nothingHere } from '../web/problem.ts';
import { sendPage } from '../web/send-page.ts';
import { type LoginTenant, lookOf } from './login-tenant.ts';

const shownMails = 20;

/** Its address; the pages that cause a mail link to it. Undefined where mails are sent, or not written at all. */
export const demoMailUrl = ({
  mail,
  provider,
}: Pick<LoginTenant, 'mail' | 'provider'>): string | undefined =>
  mail.mode === 'shown' ? `${provider.issuer}/demo-mail` : undefined;

/** The mails of a demo tenant, for whoever tries it out on this machine. Other tenants have no such page. */
export const showDemoMail = async (
  { pages }: { readonly pages: Pages },
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  if (demoMailUrl(tenant) === undefined) throw nothingHere();
  const mails = await tenant.mail.shown(shownMails);
  sendPage(ctx, pages, {
    name: 'demo-mail',
    model: {
      mails: mails.map(({ to, subject, text, link, createdAt }) => ({
        ...definedOnly({ link }),
        to,
        subject,
        text,
        writtenAt: createdAt,
      })),
    },
    look: lookOf(ctx, tenant),
  });
};
