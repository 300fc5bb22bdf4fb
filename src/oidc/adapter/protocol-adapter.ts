import type { Adapter } from 'oidc-provider';
import { asProtocolErrors } from '../provider/errors.ts';

/** The same adapter, whose errors the provider can put into an answer. */
export const withProtocolErrors = (adapter: Adapter): Adapter => {
  const translated =
    <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      asProtocolErrors(() => call(...args));
  return {
    upsert: translated((...args: Parameters<Adapter['upsert']>) => adapter.upsert(...args)),
    find: translated((...args: Parameters<Adapter['find']>) => adapter.find(...args)),
    findByUid: translated((...args: Parameters<Adapter['findByUid']>) => adapter.findByUid(...args)),
    findByUserCode: translated((...args: Parameters<Adapter['findByUserCode']>) =>
      adapter.findByUserCode(...args),
    ),
    consume: translated((...args: Parameters<Adapter['consume']>) => adapter.consume(...args)),
    destroy: translated((...args: Parameters<Adapter['destroy']>) => adapter.destroy(...args)),
    revokeByGrantId: translated((...args: Parameters<Adapter['revokeByGrantId']>) =>
      adapter.revokeByGrantId(...args),
    ),
  };
};
