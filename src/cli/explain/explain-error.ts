import { findRefusal, type RefusalRecord } from '../../oidc/provider/refusal-records.ts';
import type { CliContext } from '../context.ts';
import { CommandFailure, usageFailure } from '../exit.ts';
import { openLinesFile } from '../lines-file.ts';
import { withStore } from '../with-store.ts';
import { findInLog, logLineText } from './error-in-log.ts';

interface FoundRefusal extends RefusalRecord {
  readonly tenant: string;
}

/**
 * Says what an error was about, by the id of its page, its JSON or `x-error-id`: what is kept of a refusal, and what the
 * log says if it is given.
 */
export const explainError = async (
  context: CliContext,
  { id: given, log }: { readonly id: string; readonly log?: string | undefined },
): Promise<void> => {
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
  const lines = log === undefined ? [] : await findInLog(await openLinesFile(context, log), errorId);
  if (found === undefined && lines.length === 0)
    throw new CommandFailure(
      log === undefined
        ? `No refusal with the id ${errorId} is kept. Those of OpenID Connect endpoints are kept for 7 days, at most 30 a minute. The log has every error: add --log <file>, or search it for "errorId":"${errorId}".`
        : `Neither the kept refusals nor this log have the error id ${errorId}. Give the log of the process that answered, of that time.`,
    );
  const result = { errorId, ...found, ...(lines.length === 0 ? {} : { log: lines }) };
  context.printResult(result, () => [
    ...(found === undefined ? [] : refusalLines(found)),
    ...lines.flatMap(logLineText),
  ]);
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
