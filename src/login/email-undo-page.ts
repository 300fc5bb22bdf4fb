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
  if (found === undefined) return show(parts, { ctx, tenant }, { step: 'gone', problem: 'link' });
  const { email, account } = found;
  const action = `${undoUrl(tenant)}?token=${token}`;
  show(parts, { ctx, tenant }, { step: 'ask', action, email, username: account.username });
};

export const submitEmailUndo = async (parts: Parts, ctx: Context, tenant: LoginTenant): Promise<void> => {
  refuseOtherSites(ctx);
  const outcome = await tenant.emailUndo.undo(tokenOf(ctx), factsOf(ctx));
  if (outcome.ok) return redirect(ctx, `${undoUrl(tenant)}/done`);
  show(
    parts,
    { ctx, tenant },
    { step: 'gone', problem: outcome.reason === 'taken' ? 'email_taken' : 'link' },
  );
};

export const showEmailUndone = (parts: Parts, ctx: Context, tenant: LoginTenant): void =>
  show(parts, { ctx, tenant }, { step: 'done' });
