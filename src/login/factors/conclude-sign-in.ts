// The end of every sign-in on our pages, with all the factors that it needs.
import { AppError } from '../../errors.ts';
import type { ProvenLogin } from '../../oidc/provider/first-factor.ts';
import type { OpenInteraction } from '../../oidc/provider/interactions.ts';
import { requestFacts } from '../../web/request-facts.ts';
import { type AccountKept, accountKeptUrl } from '../account/account-kept.ts';
import type { InteractionVisit } from '../interaction-form.ts';
import type { LoginPageParts } from '../login-form.ts';

/**
 * @returns the next URL: of the flow, or of the page that says that the account will not be deleted
 * @throws AppError `forbidden` when it has been deleted; `unavailable`
 */
export const concludeSignIn = async (
  { notices }: Pick<LoginPageParts, 'notices'>,
  { ctx, tenant }: InteractionVisit,
  { interaction, login }: { readonly interaction: OpenInteraction; readonly login: ProvenLogin },
): Promise<string> => {
  const { sub, signedInAt, deleteAt } = login;
  if (deleteAt === undefined) return interaction.finishLogin(login);
  const { address, requestId } = requestFacts(ctx);
  const { clientId } = interaction.pending;
  const account = await tenant.accounts.findBySub(sub);
  const kept =
    account === undefined
      ? undefined
      : await tenant.accounts.callOffDeletion({ account, signedInAt, address, requestId, clientId });
  if (kept === undefined)
    throw new AppError('forbidden', 'This account is being deleted: the time for calling that off is over.');
  const nextUrl = await interaction.finishLogin(login);
  const notice: AccountKept = { nextUrl, username: kept.username, deleteAt };
  return notices.leave({ ctx, url: accountKeptUrl(tenant) }, notice);
};
