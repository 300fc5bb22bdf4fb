/**
 * What follows from an object that is replaced when it changes: made anew only when `read` gives another one. For what is
 * asked at each request.
 */
export const derivedValue = <Source extends object, Value>(
  read: () => Source,
  derive: (source: Source) => Value,
): (() => Value) => {
  let known: { readonly source: Source; readonly value: Value } | undefined;
  return () => {
    const source = read();
    if (known?.source !== source) known = { source, value: derive(source) };
    return known.value;
  };
};
