import { findRefusal, type RefusalRecord } from '../../oidc/provider/refusal-records.ts';
import type { CliContext } from '../context.ts';
import { CommandFailure, usageFailure } from '../exit.ts';
import { withStore } from '../with-store.ts';

interface FoundRefusal extends RefusalRecord {
  readonly tenant: string;
}

/** Says what a refusal was about, by the error id of its page or of `x-error-id`. */
export const explainError = async (context: CliContext, given: string): Promise<void> => {
  const errorId = given.trim().toLowerCase();
  if (!/^[0-9a-f]{16}$/.test(errorId))
    throw usageFailure(
      'An error id has 16 hexadecimal digits: it is on the page, and in the header x-error-id.',
    );
  const found = await withStore(context, async ({ storage }): Promise<FoundRefusal | undefined> => {
    for (const tenant of await storage.listTenants()) {
      const record = await findRefusal(storage.forTenant(tenant), errorId);
      if (record !== undefined) return { tenant, ...record };
    }
    return undefined;
  });
  if (found === undefined)
    throw new CommandFailure(
      `No refusal with the id ${errorId} is kept. Those of OpenID Connect endpoints are kept for 7 days, at most 30 a minute. The log has every error: search it for "errorId":"${errorId}".`,
    );
  context.printResult(found, () => refusalLines(found));
};

const refusalLines = (found: FoundRefusal): readonly string[] => {
  const { address } = found;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['tenant', found.tenant],
    ['at', new Date(found.at).toISOString()],
    ['endpoint', found.route],
    ['error', `${found.error} (${found.status})`],
    ['reason', found.description],
    ['detail', found.detail],
    ['client', found.clientId === undefined ? undefined : clientText(found)],
    [address?.parameter ?? '', address?.came],
    ['registered', address === undefined ? undefined : address.registered.join('\n') || 'none'],
    ['difference', address?.difference],
    ['remedy', found.remedy],
    ['request', found.requestId],
  ];
  return facts.flatMap(([name, value]) =>
    value === undefined
      ? []
      : value.split('\n').map((line, index) => `${(index === 0 ? name : '').padEnd(widest + 2)}${line}`),
  );
};

const widest = 'post_logout_redirect_uri'.length;

const clientText = ({ clientId, isClientKnown }: RefusalRecord): string =>
  isClientKnown === false ? `${clientId}, which is not a client of this tenant` : (clientId ?? '');
