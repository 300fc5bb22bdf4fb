import { AppError } from '../../errors.ts';

interface Rule {
  readonly isWeak: (value: string) => boolean;
  readonly advice: string;
}

const isOff = (value: string): boolean => value === 'false' || value === '0';

/** By lower-case name: MongoDB's option names are case-insensitive. */
const rules: Readonly<Record<string, Rule>> = {
  w: { isWeak: (value) => value !== 'majority', advice: 'w=majority' },
  journal: { isWeak: isOff, advice: 'journal=true' },
  j: { isWeak: isOff, advice: 'journal=true' },
  readpreference: { isWeak: (value) => value !== 'primary', advice: 'readPreference=primary' },
  readconcernlevel: {
    isWeak: (value) => value !== 'majority' && value !== 'linearizable',
    advice: 'readConcernLevel=majority',
  },
  retrywrites: { isWeak: isOff, advice: 'retryWrites=true' },
};

/**
 * A consumed code must stay consumed through a fail-over. Options by which an acknowledged write may be lost, or an old
 * state be read, are therefore refused. They are not silently overruled, because the operator should know.
 *
 * @throws AppError('invalid_request') with the option to write instead
 */
export const requireStrongSettings = (url: string): void => {
  const query = new URLSearchParams(url.split('?')[1] ?? '');
  const faults = [...query].flatMap(([name, value]) => {
    const rule = rules[name.toLowerCase()];
    return rule?.isWeak(value) ? [`${name}=${value} (write ${rule.advice}, or leave it out)`] : [];
  });
  if (faults.length === 0) return;
  throw new AppError(
    'invalid_request',
    `The storage URL asks MongoDB for guarantees that are too weak: ${faults.join('; ')}`,
  );
};

/** Hosts and database, without credentials and options. */
export const locationOf = (url: string): string => url.replace(/\/\/[^/]*@/, '//').replace(/\?.*$/, '');

export const hasDatabaseName = (url: string): boolean => /^[^/]+\/\/[^/]+\/[^?]+/.test(url);
