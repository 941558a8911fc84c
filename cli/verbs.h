// SPDX-License-Identifier: Apache-2.0
// One function per verb; each lives in the file that bears the verb's name.
#pragma once

#include "verb.h"

namespace bixws::cli {

Verb serve_verb();
Verb watch_verb();
Verb record_verb();
Verb replay_verb();
Verb sessions_list_verb();
Verb sessions_info_verb();
Verb sessions_verify_verb();
Verb sessions_export_verb();
Verb sessions_index_verb();
Verb sessions_import_verb();
Verb alerts_test_verb();
Verb chart_verb();
Verb top_verb();
Verb doctor_verb();
Verb plugins_list_verb();
Verb plugins_info_verb();
Verb config_show_verb();
Verb config_check_verb();
Verb config_init_verb();
Verb completion_verb();
Verb man_verb();

}  // namespace bixws::cli
