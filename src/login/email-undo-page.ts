// The link in the mail to an old e-mail address: the address is put back. Nobody has to be signed in for it.
import type { Context } from 'koa';
import { definedOnly } from '../defined-only.ts';
import type { PageModels } from '../web/pages.ts';
import { sendPage } from '../web/send-page.ts';
import type { LoginPageParts } from './login-form.ts';
import { announce } from './login-problems.ts';
import { type LoginTenant, lookOf } from './login-tenant.ts';
import { factsOf, redirect, refuseOtherSites, tokenOf } from './mailed-form.ts';
import { recoverUrl } from './recovery-url.ts';

type Parts = Pick<LoginPageParts, 'pages' | 'log'>;

const undoUrl = ({ provider }: LoginTenant): string => `${provider.issuer}/email-undo`;

const show = (
  parts: Parts,
  { ctx, tenant }: { readonly ctx: Context; readonly tenant: LoginTenant },
  model: Omit<PageModels['email-undo'], 'signInUrl' | 'recoverUrl'>,
): void =>
  sendPage(ctx, parts.pages, {
    name: 'email-undo',
    status: announce(parts.log, ctx, definedOnly(model)),
    model: {
      ...model,
      signInUrl: tenant.provider.issuer,
      ...definedOnly({ recoverUrl: recoverUrl(tenant) }),
    },
    look: lookOf(ctx, tenant),
  });

/** Opening the link changes nothing: programs that look into mails open links too. */
export const askToUndoEmail = async (parts: Parts, ctx: Context, tenant: LoginTenant): Promise<void> => {
  const token = tokenOf(ctx);
  const found = await tenant.emailUndo.find(token);
  if (found === undefined) return showLinkOver(parts, { ctx, tenant, token });
  const { email, account } = found;
  const action = `${undoUrl(tenant)}?token=${token}`;
  show(parts, { ctx, tenant }, { step: 'ask', action, email, username: account.username });
};

/** The truth to who has lost the answer of a first use, or sends the form twice. */
const showLinkOver = async (
  parts: Parts,
  { token, ...place }: { readonly ctx: Context; readonly tenant: LoginTenant; readonly token: string },
): Promise<void> => {
  const done = await place.tenant.emailUndo.findDone(token);
  if (done === undefined) return show(parts, place, { step: 'gone', problem: 'link' });
  show(parts, place, { step: 'already', email: done.email, username: done.account.username });
};

export const submitEmailUndo = async (parts: Parts, ctx: Context, tenant: LoginTenant): Promise<void> => {
  refuseOtherSites(ctx);
  const token = tokenOf(ctx);
  const outcome = await tenant.emailUndo.undo(token, factsOf(ctx));
  if (outcome.ok) return redirect(ctx, `${undoUrl(tenant)}/done`);
  if (outcome.reason !== 'taken') return showLinkOver(parts, { ctx, tenant, token });
  show(parts, { ctx, tenant }, { step: 'gone', problem: 'email_taken' });
};

export const showEmailUndone = (parts: Parts, ctx: Context, tenant: LoginTenant): void =>
  show(parts, { ctx, tenant }, { step: 'done' });
