// The program's door: everything happens in commands.
int main() {
    return 0;
}
