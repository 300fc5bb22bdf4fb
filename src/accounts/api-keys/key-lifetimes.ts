// How long a key lives, and when a mail says that it expires.
import type { ApiKeyRules } from '../../config/tenant/tenant-definition.ts';
import type { AccountRecord } from '../../storage/storage.ts';
import type { ApiKeyRecord } from '../../storage/storage-api-keys.ts';

/** Seconds; absent: as long as the tenant allows. */
export type WantedLifetime = number | 'never' | undefined;

interface LifetimeFacts {
  readonly owner: Pick<AccountRecord, 'origin'>;
  readonly rules: ApiKeyRules;
  readonly nowMs: number;
}

/** Epoch milliseconds; undefined: never. Or what is wrong, for whoever asks for the key. */
export const expiryOf = (
  lifetime: WantedLifetime,
  { owner, rules, nowMs }: LifetimeFacts,
): number | undefined | { readonly fault: string } => {
  const { maximumAgeSeconds, allowNonExpiring } = rules;
  if (lifetime === 'never') {
    if (!allowNonExpiring)
      return { fault: 'Keys of this tenant expire; apiKeys.allowNonExpiring in its file allows others.' };
    return owner.origin === 'system' ? undefined : { fault: 'Only keys of system users may never expire.' };
  }
  const seconds = lifetime ?? maximumAgeSeconds;
  return seconds >= 1 && seconds <= maximumAgeSeconds
    ? nowMs + Math.floor(seconds) * 1000
    : { fault: `A key of this tenant lives at most ${inWords(maximumAgeSeconds)}, and at least a second.` };
};

/** As far away as it was when the last secret was made, within what the tenant allows now. */
export const renewedExpiry = (
  { expiresAt, createdAt, secrets: [newest] }: ApiKeyRecord,
  { maximumAgeSeconds, allowNonExpiring }: ApiKeyRules,
  nowMs: number,
): number | undefined => {
  if (expiresAt === undefined && allowNonExpiring) return undefined;
  const lifeMs =
    expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt - (newest?.createdAt ?? createdAt);
  return nowMs + Math.min(lifeMs, maximumAgeSeconds * 1000);
};

export const isOver = (
  { expiresAt = Number.POSITIVE_INFINITY }: Pick<ApiKeyRecord, 'expiresAt'>,
  nowMs: number,
): boolean => expiresAt <= nowMs;

const dayMs = 86_400_000;
const longestAheadMs = 14 * dayMs;
/** Whoever makes a key for less makes the next one too. */
const shortestLifeMs = 2 * dayMs;

/** Epoch milliseconds; undefined: there is no notice. @param madeAt of the newest secret */
export const noticeTimeOf = (madeAt: number, expiresAt: number | undefined): number | undefined => {
  if (expiresAt === undefined) return undefined;
  const lifeMs = expiresAt - madeAt;
  return lifeMs < shortestLifeMs ? undefined : expiresAt - Math.min(longestAheadMs, Math.floor(lifeMs / 2));
};

const units = [
  ['days', 86_400],
  ['hours', 3600],
  ['minutes', 60],
] as const;

export const inWords = (seconds: number): string => {
  const [unit, size] = units.find(([, each]) => seconds >= each && seconds % each === 0) ?? ['seconds', 1];
  return `${seconds / size} ${unit}`;
};
