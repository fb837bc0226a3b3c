// Lets pages follow by themselves, sends their buttons without leaving them, and draws their charts. Without it
// everything works, too: pages then stand still until they are loaded again.

import { drawCharts } from "./charts.js";
import { follow } from "./follow.js";
import { keepFocusOfFilters, sendForms } from "./forms.js";
import { main } from "./show.js";

drawCharts(main);
sendForms();
follow();
// The last: a browser may be told to store nothing, and then refuses.
keepFocusOfFilters();
