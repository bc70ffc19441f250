// Numbers and dates as the reader's locale writes them. A shop has one currency, whose name nobody has told us.

const amounts = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const numbers = new Intl.NumberFormat();
const seconds = new Intl.NumberFormat(undefined, { style: 'unit', unit: 'second', maximumSignificantDigits: 2 });
const milliseconds = new Intl.NumberFormat(undefined, { style: 'unit', unit: 'millisecond', maximumFractionDigits: 0 });
const minutes = new Intl.NumberFormat(undefined, { style: 'unit', unit: 'minute', maximumFractionDigits: 0 });
const days = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const instants = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 });

export const amount = value => amounts.format(value);
export const count = value => numbers.format(value);
export const day = date => days.format(date);
export const instant = date => instants.format(date);
export const timeOfDay = date => clock.format(date);

/** Of a duration in milliseconds, as short as it is readable. */
export function duration(value) {
  if (value === null || value === undefined) return '–';
  if (value < 1000) return milliseconds.format(value > 0 && value < 1 ? 1 : Math.round(value));
  return value < 120_000 ? seconds.format(value / 1000) : minutes.format(value / 60_000);
}

/** Money without the errors of binary fractions: amounts have two decimals. */
export const times = (price, quantity) => Math.round(price * 100) * quantity / 100;
export const sum = values => values.reduce((total, value) => total + Math.round(value * 100), 0) / 100;
