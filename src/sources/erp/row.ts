/** Finds values in a vendor's row by dotted path, touching own properties only. */

/** The value at a path: undefined when the row does not have it, null when it or something above it is null. */
export function valueAt(row: unknown, path: string): unknown {
  let value = row;
  let rest = path;
  for (;;) {
    if (value === null || isBlank(value)) return null;
    if (typeof value !== 'object') return undefined;
    const whole = ownValue(value, rest);
    const dot = rest.indexOf('.');
    if (whole !== undefined || dot < 0) return whole;
    value = ownValue(value, rest.slice(0, dot));
    rest = rest.slice(dot + 1);
  }
}

/** Whether a row is an object, and no list. */
export const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isBlank = (value: unknown): boolean => typeof value === 'string' && value.trim() === '';

const ownValue = (holder: object, name: string): unknown =>
  Object.hasOwn(holder, name) ? Reflect.get(holder, name) : undefined;
