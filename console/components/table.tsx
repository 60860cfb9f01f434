import type { ComponentChildren } from 'preact';

export type Column = {
  title: string;
  /** For columns of numbers. */
  align?: 'end';
  /** Whether the title is only for screen readers. */
  isTitleHidden?: boolean;
};

/**
 * A table. Its rows are `<tr>` with `<td data-title="…">`. On phones each row becomes a card that shows these titles.
 * @param caption for screen readers
 */
export const Table = ({
  caption,
  columns,
  children,
}: {
  caption: string;
  columns: Column[];
  children: ComponentChildren;
}) => (
  <div class="table-frame">
    <table class="table">
      <caption class="sr-only">{caption}</caption>
      <thead>
        <tr>
          {columns.map(({ title, align, isTitleHidden }) => (
            <th key={title} scope="col" class={align}>
              {isTitleHidden ? <span class="sr-only">{title}</span> : title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  </div>
);
