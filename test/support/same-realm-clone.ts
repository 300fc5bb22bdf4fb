/**
 * Jest runs modules in a realm of its own, but gives them the `structuredClone` of the outer one, whose objects are
 * no plain objects here: the provider then refuses the key sets of clients.
 */
export const cloneInThisRealm = (): void => {
  globalThis.structuredClone = <T>(value: T): T =>
    value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T); // metadata and claims are JSON
};
